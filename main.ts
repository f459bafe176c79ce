/**
 * From the arguments to a role: the composition root.
 *
 * A client command is what people wait for, so nothing but the client is
 * loaded before it is known that a role is asked for; and not even that by a
 * process of plugins.
 *
 * @module
 */
// These two are started by usher itself, never by people, and there are many of
// them: each loads its own few files and nothing of what people call.
if (Deno.args[0] === "guard") {
  const { runGuard } = await import("./src/driver/registry.ts");
  Deno.exit(await runGuard(Deno.args.slice(1)));
}
if (Deno.args[0] === "plugin-host") {
  const { runHost } = await import("./src/plugin/host.ts");
  Deno.exit(await runHost());
}
const { isPluginTool, roleOf, runClient } = await import(
  "./src/client/main.ts"
);
if (isPluginTool(Deno.args)) {
  const { runPluginTool } = await import("./src/plugin_tools/mod.ts");
  Deno.exit(await runPluginTool(Deno.args));
}
const role = roleOf(Deno.args);
if (role === null) Deno.exit(await runClient(Deno.args));
const { runRole } = await import("./src/roles.ts");
Deno.exit(await runRole(role, Deno.args));
