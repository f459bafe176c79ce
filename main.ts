/**
 * From the arguments to a role: the composition root.
 *
 * A client command is what people wait for, so nothing but the client is
 * loaded before it is known that a role is asked for.
 *
 * @module
 */
import { isPluginTool, roleOf, runClient } from "./src/client/main.ts";

// These two are started by usher itself, never by people.
if (Deno.args[0] === "guard") {
  const { runGuard } = await import("./src/driver/registry.ts");
  Deno.exit(await runGuard(Deno.args.slice(1)));
}
if (Deno.args[0] === "plugin-host") {
  const { runHost } = await import("./src/plugin/host.ts");
  Deno.exit(await runHost());
}
if (isPluginTool(Deno.args)) {
  const { runPluginTool } = await import("./src/plugin_tools/mod.ts");
  Deno.exit(await runPluginTool(Deno.args));
}
const role = roleOf(Deno.args);
if (role === null) Deno.exit(await runClient(Deno.args));
const { runRole } = await import("./src/roles.ts");
Deno.exit(await runRole(role, Deno.args));
