/**
 * A reload while operations run, with real processes: what has begun goes on
 * with the version of a plugin that it began with.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { pluginProcesses } from "../../src/ctrl/plugins/hosting.ts";
import { silentLog } from "../../src/sys/log.ts";
import { nowhere } from "../../src/plugin/files/mistake.ts";
import { PluginConfigs } from "../../src/schema/plugin.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** A plugin that says which version of it hears what. */
function version(number: number): string {
  return `
export const manifest = { name: "told", version: "${number}.0.0", api: 1 };

export default ({ definePlugin }) =>
  definePlugin({
    handlers: {
      start_request: ([request], ctx) => {
        ctx.log.info("v${number} is asked for " + request.names);
        return [{ ...request, args: { ...request.args, by: "v${number}" } }];
      },
      start: ([vm], ctx) => ctx.log.info("v${number} hears of " + vm.args.by),
    },
  });
`;
}

Deno.test("reload: an operation ends with the plugin's version it began with, and a broken version changes nothing", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "told.js": version(1) });
  const plugins = PluginConfigs.parse({
    told: { events: ["start_request", "start"] },
  });
  const config = { plugins, plugin_dirs: [folder.plugins] };
  const readConfig = () => Promise.resolve({ config, locate: nowhere });
  await using site = await TestSite.start({
    plugins: pluginProcesses({
      stateDir: folder.plugins.replace(/site$/, "state"),
      readConfig,
      log: silentLog,
    }),
  });
  const said = () => {
    const { plugins } = site.site.controller.site;
    return plugins.logs.newest("told", 99).map(({ text }) => text);
  };
  const slow = { spec: { sim: { bootMs: 3000 } } };
  const { outcomes: [begun] } = await site.submit("start", "old", slow);
  await folder.write({ "told.js": version(2) });
  const reloaded = await site.call("POST", "/v1/plugins/reload", {});
  strictEqual(reloaded.status, 200, JSON.stringify(reloaded.body));
  await site.run("start", "new");
  await folder.write({ "told.js": "export const manifest = {" });
  const broken = await site.call("POST", "/v1/plugins/reload", {});
  ok(broken.status >= 400, JSON.stringify(broken.body));
  await site.untilOperation(begun?.operation ?? "", "succeeded");
  const all = await until("both ends are told", () => {
    const lines = said();
    return lines.filter((line) => line.includes("hears")).length === 2
      ? lines
      : null;
  });
  deepStrictEqual(all.sort(), [
    "v1 hears of v1",
    "v1 is asked for old",
    "v2 hears of v2",
    "v2 is asked for new",
  ]);
  const { plugins: frozen } = await site.operation(begun?.operation ?? "");
  deepStrictEqual(Object.keys(frozen ?? {}), ["told"]);
});
