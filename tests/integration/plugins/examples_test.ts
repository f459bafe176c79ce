/**
 * The configuration that the page of each shipped plugin shows: it is one, the
 * plugin takes its options, and it grants what the plugin asks for; and what
 * people get wrong in it is told so that they can put it right.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readYaml } from "../../../src/config/yaml_file.ts";
import { PluginFiles } from "../../../src/ctrl/plugins/files.ts";
import { optionMistakes } from "../../../src/ctrl/plugins/options.ts";
import {
  definitionOf,
  handledBy,
  type PluginModule,
  readOptions,
} from "../../../src/plugin/process/instance.ts";
import { CtrlConfig } from "../../../src/schema/config.ts";
import { Manifest, type PluginConfig } from "../../../src/schema/plugin.ts";
import { systemClock } from "../../../src/sys/clock.ts";
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

/** What the page of a plugin shows, the first example first. */
async function shownFor(
  name: string,
): Promise<[PluginConfig, ...PluginConfig[]]> {
  const path = `docs/plugins/${name}.md`;
  const { yaml } = readExamples(path, await readRepository(path));
  const [first, ...more] = yaml.map(({ at, text }) => {
    const shown = readYaml(at, text, CtrlConfig).plugins[name];
    ok(shown !== undefined, `${at} shows no configuration of ${name}`);
    return shown;
  });
  ok(first !== undefined, `${path} shows no configuration`);
  return [first, ...more];
}

const plugins = await shipped();

Deno.test("every plugin that ships has a page", () => {
  ok(plugins.length >= 7);
});

/** The plugin's own module. */
async function moduleOf(entry: string): Promise<PluginModule> {
  return await import(`file://${REPOSITORY}${entry}`);
}

for (const [name, entry] of plugins) {
  Deno.test(`the page of ${name} shows configurations that it takes`, async () => {
    const module = await moduleOf(entry);
    const manifest = Manifest.parse(module.manifest);
    strictEqual(manifest.name, name);
    for (const shown of await shownFor(name)) takes(shown, module, manifest);
  });
}

function takes(
  shown: PluginConfig,
  module: PluginModule,
  manifest: Manifest,
): void {
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
}

Deno.test("a controller takes all that the pages show at once, and warns of nothing", async () => {
  const root = await Deno.makeTempDir({ prefix: "usher_examples_" });
  try {
    const shown = await Promise.all(
      plugins.map(async ([name]) => [name, (await shownFor(name))[0]] as const),
    );
    const config = CtrlConfig.parse({ plugins: Object.fromEntries(shown) });
    const files = new PluginFiles({
      readConfig: () =>
        Promise.resolve({ config, locate: () => null, files: [] }),
      shipped: `${REPOSITORY}plugins`,
      store: `${root}/store`,
    });
    const read = await files.read(new Map(), {
      clock: systemClock,
      heard: () => {},
      isKnownTimer: () => false,
      needed: () => new Set(),
    });
    deepStrictEqual(read.warnings, []);
    deepStrictEqual(
      read.plugins.map(({ name }) => name).toSorted(),
      plugins.map(([name]) => name).toSorted(),
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** What is easily mistaken in the examples, and what is said of it. */
const MISTAKES: readonly [
  plugin: string,
  at: string,
  to: unknown,
  said: RegExp,
][] = [
  ["users", "lockout", "of", /must be off, or have failures, within and for/],
  ["users", "lockout.failure", 3, /unknown option .* mean "failures"/],
  ["kwargfil", "rules.4.limits.memroy", "1GiB", /unknown .* mean "memory"/],
  ["kwargfil", "rules.4.limits.memory", "1 gig", /is no size/],
  ["kwargfil", "rules.0.roles.0", "admins", /must be admin, user or viewer/],
  ["kwargfil", "rules.4.limits.networks.0", "usr", /user, bridge:NAME or/],
  ["kwargfil", "rules.4.limits.node_labels.0", "zone", /must be KEY=VALUE/],
  ["placement", "rules.0.pool", "gpus", /"gpus" is none of the pools gpu/],
  ["placement", "rules.0.roles", ["users"], /must be admin, user or viewer/],
  ["filespace", "rules.0.mode", 750, /must be octal and in quotes/],
  ["history", "path", "/x", /unknown option "path" known here: backlog/],
  ["udns", "server", "192.0.2.53:53", /must be a name or an address alone/],
  ["udns", "transfer", "yes", /must be true or false, and is text/],
  ["uipmgr", "ranges.lab.ipv4.netwrok", "x", /unknown .* mean "network"/],
  ["uipmgr", "ranges.lab.vlan", 4095, /must be 4094 at most/],
  ["uldap", "server", "ldap://x", /must be a name or an address alone/],
  ["uldap", "users.filter", "(uid=$user)", /must have \{user\} in it/],
  ["uldap", "roles.admin", "ops", /must be a list, and is text/],
  ["uldap", "roles.admins", ["ops"], /unknown .* mean "admin"/],
  ["rebalance", "start_above", 15, /it is a share of a node/],
  ["sample", "greetings", "x", /unknown option .* mean "greeting"/],
];

Deno.test("what is easily mistaken in the examples is refused by its key, with what would be right", async () => {
  for (const [name, at, to, said] of MISTAKES) {
    const [, entry = ""] = plugins.find(([one]) => one === name) ?? [];
    const [shown] = await shownFor(name);
    const options = structuredClone(shown.options) as Record<string, unknown>;
    const keys = at.split(".");
    const last = keys.pop() ?? "";
    const place = keys.reduce(
      (it, key) => it[key] as Record<string, unknown>,
      options,
    );
    place[last] = to;
    const definition = definitionOf(await moduleOf(entry), {
      event: shown.events[0]?.event ?? "",
      order: null,
    });
    const { issues } = readOptions(definition, options);
    const [mistake] = optionMistakes(name, shown, 0, issues);
    const { path = [], message = "", hint = "" } = mistake ?? {};
    match(`${message} ${hint}`, said, `${name} ${at}`);
    const [told, wrong] = [path.join("."), `plugins.${name}.options.${at}`];
    ok(told.startsWith(wrong) || wrong.startsWith(told), told);
  }
});
