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
const args = calledAsUsh() ? ["shell", ...Deno.args] : Deno.args;
const { isPluginTool, roleOf, runClient } = await import(
  "./src/client/main.ts"
);
if (isPluginTool(args)) {
  const { runPluginTool } = await import("./src/plugin_tools/mod.ts");
  Deno.exit(await runPluginTool(args));
}
const role = roleOf(args);
if (role === null) Deno.exit(await runClient(args));
const { runRole } = await import("./src/roles.ts");
Deno.exit(await runRole(role, args));

/** Whether a link or a copy of the name `ush` was called: that is the shell. */
function calledAsUsh(): boolean {
  try {
    const [called = ""] = Deno.readTextFileSync("/proc/self/cmdline").split(
      "\0",
    );
    return /(^|\/)ush$/.test(called);
  } catch {
    return false;
  }
}
