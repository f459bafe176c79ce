/**
 * A timer of so long after a plugin begins, and reloads.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { pluginProcesses } from "../../src/ctrl/plugins/hosting.ts";
import { nowhere } from "../../src/plugin/files/mistake.ts";
import { PluginConfigs } from "../../src/schema/plugin.ts";
import { silentLog } from "../../src/sys/log.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** A plugin that says which version of it a timer called. */
function version(number: number): string {
  return `
export const manifest = { name: "timed", version: "${number}.0.0", api: 1 };

export default ({ definePlugin }) =>
  definePlugin({
    handlers: {
      timer: (_, ctx) => ctx.log.info("v${number} is called"),
      register: () => {},
    },
  });
`;
}

Deno.test("a timer of +0s comes for each version that a reload brings, and not for what stays", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "timed.js": version(1) });
  let events: unknown[] = ["register"];
  const config = () => ({
    plugins: PluginConfigs.parse({ timed: { events } }),
    plugin_dirs: [folder.plugins],
  });
  await using site = await TestSite.start({
    plugins: pluginProcesses({
      stateDir: folder.plugins.replace(/site$/, "state"),
      readConfig: () => Promise.resolve({ config: config(), locate: nowhere }),
      log: silentLog,
    }),
  });
  const said = () => {
    const { plugins } = site.site.controller.site;
    return plugins.logs.newest("timed", 99).map(({ text }) => text);
  };
  const reload = async () => {
    const { status, body } = await site.call("POST", "/v1/plugins/reload", {});
    strictEqual(status, 200, JSON.stringify(body));
  };
  events = ["register", { event: "timer", when: "+0s" }];
  await reload();
  await until("it is called", () => said().length === 1);
  await folder.write({ "timed.js": version(2) });
  await reload();
  await until("the new one is called", () => said().length === 2);
  // Nothing else of it: what stays is called no more, and what comes next is.
  await reload();
  await folder.write({ "timed.js": version(3) });
  await reload();
  await until("the next one is called", () => said().length >= 3);
  deepStrictEqual(said(), [1, 2, 3].map((it) => `v${it} is called`));
});
