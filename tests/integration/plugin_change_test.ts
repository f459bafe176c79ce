/**
 * A change of the plugins that takes its time: whoever asks is told what it
 * waits for.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { pluginProcesses } from "../../src/ctrl/plugins/hosting.ts";
import { nowhere } from "../../src/plugin/files/mistake.ts";
import { PluginConfigs } from "../../src/schema/plugin.ts";
import type { PluginChangeUnderWay } from "../../src/schema/plugin_life.ts";
import { silentLog } from "../../src/sys/log.ts";
import { PluginFolder } from "../support/plugin_folder.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const SLOW = `
export const manifest = { name: "slow", version: "1.0.0", api: 1 };
await new Promise((resolve) => setTimeout(resolve, 60_000));
export default ({ definePlugin }) => definePlugin({ handlers: {} });
`;

Deno.test("while plugins are reloaded the controller tells who waits, and for which plugins", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "slow.js": SLOW });
  let plugins = {};
  const config = () => ({
    plugins: PluginConfigs.parse(plugins),
    plugin_dirs: [folder.plugins],
  });
  await using site = await TestSite.start({
    plugins: pluginProcesses({
      stateDir: folder.plugins.replace(/site$/, "state"),
      readConfig: () => Promise.resolve({ config: config(), locate: nowhere }),
      log: silentLog,
    }),
  });
  const change = async () => {
    const { body } = await site.call("GET", "/v1/plugins");
    return (body as { change: PluginChangeUnderWay | null }).change;
  };
  strictEqual(await change(), null);
  plugins = { slow: { events: ["register"], limits: { start: "2s" } } };
  const reload = site.call("POST", "/v1/plugins/reload", {});
  reload.catch(() => {}); // what comes of it is looked at later, if ever
  // The plugins that are there without being asked for are waited for, too.
  const seen = await until("it waits for the slow one alone", async () => {
    const its = await change();
    return its?.waitsFor.join() === "slow" ? its : null;
  });
  deepStrictEqual([seen.doing, seen.by], ["reload", "admin"]);
  const { status, body } = await reload;
  strictEqual(status >= 400, true);
  match(JSON.stringify(body), /slow/);
  strictEqual(await change(), null);
});
