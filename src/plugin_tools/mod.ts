/**
 * Commands that run a plugin without a controller: they need the client, which
 * may not know of plugins, and plugins, which may not know of the client.
 *
 * @module
 */
import { runClient } from "../client/main.ts";
import { surviveStrayErrors } from "../sys/stray.ts";
import { silentLog } from "../sys/log.ts";
import { runCheck } from "./check.ts";
import { runTest } from "./test.ts";

/** Runs `usher plugin check` or `usher plugin test`; answers the exit code. */
export async function runPluginTool(argv: readonly string[]): Promise<number> {
  surviveStrayErrors(silentLog);
  return await runClient(argv, undefined, undefined, {
    "plugin check": runCheck,
    "plugin test": runTest,
  });
}
