/**
 * The configuration that the page of each shipped plugin shows: it is one, the
 * plugin takes its options, and it grants what the plugin asks for.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readYaml } from "../../../src/config/yaml_file.ts";
import {
  definitionOf,
  handledBy,
  type PluginModule,
  readOptions,
} from "../../../src/plugin/process/instance.ts";
import { CtrlConfig } from "../../../src/schema/config.ts";
import { Manifest, type PluginConfig } from "../../../src/schema/plugin.ts";
import { readExamples } from "../../support/doc_examples.ts";
import {
  readRepository,
  REPOSITORY,
  trackedFiles,
} from "../../support/repository.ts";

/** The plugins that ship, by name, with their entries. */
async function shipped(): Promise<[name: string, entry: string][]> {
  return (await trackedFiles()).flatMap((path): [string, string][] => {
    const [, file, folder] =
      /^plugins\/(?:([a-z0-9]+)|([a-z0-9]+)\/plugin)\.ts$/.exec(path) ?? [];
    const name = file ?? folder;
    return name === undefined ? [] : [[name, path]];
  });
}

async function shownFor(name: string): Promise<PluginConfig> {
  const path = `docs/plugins/${name}.md`;
  const { yaml } = readExamples(path, await readRepository(path));
  const [first] = yaml;
  ok(first !== undefined, `${path} shows no configuration`);
  const shown = readYaml(first.at, first.text, CtrlConfig).plugins[name];
  ok(shown !== undefined, `${path} shows no configuration of ${name}`);
  return shown;
}

const plugins = await shipped();

Deno.test("every plugin that ships has a page", () => {
  ok(plugins.length >= 7);
});

for (const [name, entry] of plugins) {
  Deno.test(`the page of ${name} shows a configuration that it takes`, async () => {
    const shown = await shownFor(name);
    const module: PluginModule = await import(`file://${REPOSITORY}${entry}`);
    const manifest = Manifest.parse(module.manifest);
    strictEqual(manifest.name, name);
    ok(shown.events.length > 0);
    for (const registration of shown.events) {
      const { event, order = null, options = {} } = registration;
      const definition = definitionOf(module, { event, order });
      const handled = handledBy(definition);
      ok(handled.includes(event) || handled.includes("*"), event);
      const given = { ...shown.options, ...options };
      deepStrictEqual(readOptions(definition, given).issues, []);
    }
    const { grants } = shown;
    deepStrictEqual([...grants.ctx].sort(), [...manifest.ctx].sort());
    deepStrictEqual([...grants.verbs].sort(), [...manifest.verbs].sort());
    for (const kind of Object.keys(manifest.permissions)) {
      ok(Object.hasOwn(grants, kind), `${kind} is asked and not granted`);
    }
  });
}
