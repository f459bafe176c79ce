/**
 * The pages of plugins that ship: the configuration that each begins with is
 * read as `ctrl.yaml` would be, and the plugin itself takes its options, has
 * handlers for its events, and asks for what is granted.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { parse } from "yaml";
import type { PluginModule } from "../../src/plugin/instance.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { isEventName } from "../../src/schema/event.ts";
import type { PluginConfig } from "../../src/schema/plugin.ts";
import { onBench } from "../support/plugin_bench.ts";
import { ROOT } from "../../scripts/support.ts";

const PAGES = [...Deno.readDirSync(`${ROOT}docs/plugins`)]
  .map(({ name }) => name.replace(/\.md$/, "")).toSorted();

for (const name of PAGES) {
  Deno.test(`docs/plugins/${name}.md begins with a configuration that the plugin takes`, async () => {
    const plugin = configurationOf(name);
    const module = await moduleOf(name);
    await using bench = await onBench(module, { options: plugin.options });
    const { manifest } = bench;
    for (const { event } of plugin.events) {
      ok(
        isEventName(event) || Object.hasOwn(manifest.events ?? {}, event),
        `there is no event ${event}`,
      );
    }
    deepStrictEqual([...plugin.grants.ctx].toSorted(), manifest.ctx.toSorted());
    for (const kind of ["net", "read", "write", "env", "sys", "run"] as const) {
      deepStrictEqual(
        [kind, plugin.grants[kind] !== undefined],
        [kind, manifest.permissions[kind] !== undefined],
      );
    }
  });
}

Deno.test("every plugin that ships and speaks to a server has a page", () => {
  for (const name of ["udns", "uipmgr", "uldap"]) ok(PAGES.includes(name), name);
});

function configurationOf(name: string): PluginConfig {
  const text = Deno.readTextFileSync(`${ROOT}docs/plugins/${name}.md`);
  const block = /```yaml\n([\s\S]*?)```/.exec(text)?.[1];
  ok(block !== undefined, "the page has no configuration");
  const plugin = CtrlConfig.parse(parse(block)).plugins[name];
  ok(plugin !== undefined, "the configuration has another plugin");
  return plugin;
}

async function moduleOf(name: string): Promise<PluginModule> {
  const folder = new URL("../../plugins/", import.meta.url);
  const isFile = await Deno.stat(new URL(`${name}.ts`, folder))
    .then(() => true, () => false);
  const entry = isFile ? `${name}.ts` : `${name}/plugin.ts`;
  return await import(new URL(entry, folder).href);
}
