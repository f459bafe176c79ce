/**
 * Every mistake that can be made in a plugin or in what ctrl.yaml says of it,
 * as the start of a controller and as a reload tells it: with file, line and
 * key, and with nothing changed.
 *
 * The plugins are files and are read in processes, as a controller reads them.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { loadFile } from "../../src/config/load.ts";
import { PluginFiles } from "../../src/ctrl/plugins/files.ts";
import { isUsherError, type UsherError } from "../../src/error/mod.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { openLife } from "../support/open_life.ts";
import { REPOSITORY } from "../support/repository.ts";

/** A whole plugin; its parts can be another. */
function plugin(
  { name = "dns", manifest = "", options = "z.strictObject({})", before = "" } =
    {},
): string {
  return `${before}
export const manifest = { name: "${name}", version: "1.0.0", api: 1, ${manifest} };
export default ({ definePlugin, z, duration }) => definePlugin({
  options: ${options},
  handlers: { register() {}, periodic() {}, timer() {} },
});
`;
}

interface Case {
  readonly what: string;
  /** Files below the folder of plugins. */
  readonly files?: Readonly<Record<string, string>>;
  /** What stands under `plugins` in ctrl.yaml; `dns` at `register` by default. */
  readonly yaml?: string;
  readonly message: RegExp;
  readonly hint?: RegExp;
}

const OPTIONS =
  "z.strictObject({ server: z.string(), ttl: z.int().default(60), every: duration.optional() })";

const CASES: readonly Case[] = [
  {
    what: "an event that does not exist",
    yaml: "  dns:\n    events: [register, regster]\n",
    message:
      /^CTRL:4:24: plugins\.dns\.events\.1\.event: there is no event "regster"$/,
    hint: /^did you mean "register"\?$/,
  },
  {
    what: "an unknown option",
    files: { "dns.ts": plugin({ options: OPTIONS }) },
    yaml:
      "  dns:\n    events: [register]\n    options:\n      server: a\n      tll: 5\n",
    message: /^CTRL:7:7: plugins\.dns\.options\.tll: unknown option "tll"$/,
    hint: /^did you mean "ttl"\?$/,
  },
  {
    what: "an option that is missing",
    files: { "dns.ts": plugin({ options: OPTIONS }) },
    yaml: "  dns:\n    events: [register]\n    options: { ttl: 5 }\n",
    message:
      /^CTRL:5:5: plugins\.dns\.options\.server: option "server" is missing$/,
    hint: /must be a string/,
  },
  {
    what: "an option of a wrong type",
    files: { "dns.ts": plugin({ options: OPTIONS }) },
    yaml:
      "  dns:\n    events: [register]\n    options:\n      server: a\n      ttl: soon\n",
    message:
      /^CTRL:7:7: plugins\.dns\.options\.ttl: must be a number, and is text$/,
  },
  {
    what: "an option that is no duration",
    files: { "dns.ts": plugin({ options: OPTIONS }) },
    yaml:
      "  dns:\n    events: [register]\n    options: { server: a, every: 5x }\n",
    message: /^CTRL:5:27: plugins\.dns\.options\.every: "5x" is no duration/,
  },
  {
    what: "an option of one event",
    files: { "dns.ts": plugin({ options: OPTIONS }) },
    yaml:
      "  dns:\n    options: { server: a }\n    events:\n      - event: register\n        options: { ttl: x }\n",
    message: /^CTRL:7:20: plugins\.dns\.events\.0\.options\.ttl: /,
  },
  {
    what: "periodic without a period",
    yaml: "  dns:\n    events: [register, periodic]\n",
    message: /^CTRL:4:24: plugins\.dns\.events\.1: "periodic" needs a period$/,
    hint: /^add period: 5m, or five fields of cron/,
  },
  {
    what: "when in the past",
    yaml:
      '  dns:\n    events: [{ event: timer, when: "2020-01-01T00:00:00Z" }]\n',
    message: /^CTRL:4:30: .*when: 2020-01-01T00:00:00Z is in the past$/,
  },
  {
    what: "an unknown key",
    yaml: "  dns:\n    event: [register]\n",
    message: /^CTRL:4:5: unknown key "plugins\.dns\.event"$/,
    hint: /^did you mean "events"\?$/,
  },
  {
    what: "an unknown capability that is granted",
    yaml: "  dns:\n    events: [register]\n    grants: { ctx: [vmz] }\n",
    message: /^CTRL:5:21: plugins\.dns\.grants\.ctx\.0: must be one of /,
  },
  {
    what: "an unknown capability that is asked for",
    files: { "dns.ts": plugin({ manifest: 'ctx: ["vmz"]' }) },
    message:
      /^Plugin "dns" \(FOLDER\/dns\.ts\): manifest\.ctx\.0: Invalid option/,
  },
  {
    what: "a permission that nobody may ask for",
    files: { "dns.ts": plugin({ manifest: "permissions: { ffi: true }" }) },
    message: /^Plugin "dns" \(FOLDER\/dns\.ts\): manifest\.permissions: .*ffi/,
  },
  {
    what: "no such plugin",
    yaml: "  dms:\n    events: [register]\n",
    message: /^CTRL:3:3: plugins\.dms: there is no plugin "dms" in any folder$/,
    hint: /did you mean "dns"\?/,
  },
  {
    what: "a path that leads nowhere",
    yaml: "  dns:\n    path: /nowhere/dns.ts\n    events: [register]\n",
    message:
      /^CTRL:4:5: plugins\.dns\.path: there is no plugin at "\/nowhere\/dns\.ts"$/,
  },
  {
    what: "two plugins of one name",
    files: { "dns.ts": plugin(), "dns/plugin.ts": plugin() },
    message: /^Two plugins are called "dns": FOLDER\/dns and FOLDER\/dns\.ts$/,
  },
  {
    what: "a syntax error",
    files: { "dns.ts": `const a = ;\n${plugin()}` },
    message: /^FOLDER\/dns\.ts:1:11: /,
  },
  {
    what: "TypeScript that does not only take types out",
    files: { "dns.ts": `// one\nenum Kind { a }\n${plugin()}` },
    message: /^FOLDER\/dns\.ts:2:1: .*enum/i,
  },
  {
    what: "an import of what is not there",
    files: {
      "dns/plugin.ts": `import "./lost.ts";\n${plugin()}`,
    },
    message: /^Plugin "dns" \(FOLDER\/dns.*\): .*lost\.ts/,
  },
  {
    what: "an import from the network",
    files: {
      "dns.ts": `import "https://plugins.example/a.js";\n${plugin()}`,
    },
    message: /^Plugin "dns" \(FOLDER\/dns\.ts.*\): /,
  },
  {
    what: "a cyclic import that needs itself",
    files: {
      "dns/plugin.ts":
        `import { a } from "./a.ts";\nexport const b = a + 1;\n${plugin()}`,
      "dns/a.ts": 'import { b } from "./plugin.ts";\nexport const a = b + 1;\n',
    },
    message:
      /^Plugin "dns" \(FOLDER\/dns\/\S+\): Cannot access 'b' before initialization$/,
  },
  {
    what: "no default export",
    files: {
      "dns.ts":
        'export const manifest = { name: "dns", version: "1", api: 1 };',
    },
    message: /^Plugin "dns" \(FOLDER\/dns\.ts\): It has no default export$/,
    hint: /definePlugin/,
  },
  {
    what: "no manifest",
    files: {
      "dns.ts":
        "export default ({ definePlugin }) => definePlugin({ handlers: {} });",
    },
    message: /^Plugin "dns" \(FOLDER\/dns\.ts\): it exports no manifest$/,
    hint: /export const manifest/,
  },
  {
    what: "a manifest of another name",
    files: { "dns.ts": plugin({ name: "other" }) },
    message:
      /^CTRL:3:3: plugins\.dns: the manifest of FOLDER\/dns\.ts says "other", and its file says "dns"$/,
  },
  {
    what: "a newer version of the contract",
    files: { "dns.ts": plugin({ manifest: "api: 2" }) },
    message:
      /^Plugin "dns" \(FOLDER\/dns\.ts\): it is written for version 2 of the plugin API/,
    hint: /newer usher/,
  },
  {
    what: "an event that two declare",
    files: {
      "dns.ts": plugin({ manifest: 'events: { done: "a" }' }),
      "ip.ts": plugin({ name: "ip", manifest: 'events: { done: "b" }' }),
    },
    yaml: "  dns:\n    events: [register]\n  ip:\n    events: [register]\n",
    message:
      /^CTRL:5:3: plugins\.ip: plugins "dns" and "ip" both declare the event "done"$/,
  },
];

const RIGHT: Pick<Case, "files" | "yaml"> = {
  files: { "dns.ts": plugin() },
  yaml: "  dns:\n    events: [register]\n",
};

/** Reads sets from a folder and a ctrl.yaml of its own. */
class Reading implements AsyncDisposable {
  readonly folder: string;
  readonly ctrl: string;
  readonly #root: string;
  readonly files: PluginFiles;

  private constructor(root: string) {
    this.#root = root;
    this.folder = `${root}/plugins`;
    this.ctrl = `${root}/ctrl.yaml`;
    this.files = new PluginFiles({
      readConfig: () => loadFile(this.ctrl, CtrlConfig),
      shipped: `${REPOSITORY}plugins`,
      store: `${root}/store`,
    });
  }

  static async open(): Promise<Reading> {
    return new Reading(await Deno.makeTempDir({ prefix: "usher_mistakes_" }));
  }

  async write(
    { files = { "dns.ts": plugin() }, yaml }: Pick<Case, "files" | "yaml">,
  ): Promise<void> {
    await Deno.remove(this.folder, { recursive: true }).catch(() => {});
    for (const [name, text] of Object.entries(files)) {
      const path = `${this.folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.writeTextFile(path, text);
    }
    const plugins = yaml ?? "  dns:\n    events: [register]\n";
    await Deno.writeTextFile(
      this.ctrl,
      `plugin_dirs: [${this.folder}]\nplugins:\n${plugins}  users: { enabled: false, path: /nowhere }\n`,
    );
  }

  read() {
    return this.files.read(new Map(), {
      clock: systemClock,
      heard: () => {},
      isKnownTimer: () => false,
      needed: () => new Set(),
    });
  }

  async mistake(
    read: () => Promise<unknown> = () => this.read(),
  ): Promise<UsherError> {
    try {
      await read();
    } catch (error) {
      if (isUsherError(error)) return error;
      throw error;
    }
    throw new Error("was read");
  }

  /** `text` without the names of this folder. */
  plain(text: string): string {
    return text.replaceAll(this.ctrl, "CTRL").replaceAll(this.folder, "FOLDER");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

Deno.test("mistakes in plugins and their configuration are told with file, line and key", async (t) => {
  await using reading = await Reading.open();
  await reading.write(RIGHT);
  const at = { source: reading.files, clock: systemClock };
  const { life, chains, open } = await openLife(at);
  const running = life.show("dns");
  const { plugins } = chains;
  for (const { what, message, hint, ...given } of CASES) {
    await t.step(what, async () => {
      await reading.write(given);
      const error = await reading.mistake(() => life.reload(false, "ann"));
      deepStrictEqual(life.show("dns"), running, "nothing has changed");
      strictEqual(chains.plugins, plugins);
      const atStart = await reading.mistake(open);
      strictEqual(atStart.message, error.message);
      strictEqual(error.code, "invalid_input");
      match(reading.plain(error.message), message);
      if (hint !== undefined) match(error.details.hint ?? "", hint);
      ok(!/\n\s+at /.test(error.message), "no stack is shown");
    });
  }
});

Deno.test("a folder of plugins that is not there, or cannot be read, is named", async () => {
  await using reading = await Reading.open();
  await reading.write({});
  await Deno.writeTextFile(reading.ctrl, "plugin_dirs: [/nowhere/at/all]\n");
  const { message, details } = await reading.mistake();
  match(
    message,
    /ctrl\.yaml:1:15: plugin_dirs\.0: cannot read the plugin folder "\/nowhere\/at\/all": there is no such folder$/,
  );
  match(details.hint ?? "", /plugin_dirs/);
});

Deno.test("what is right is read: what is not granted is a warning, and what is turned off need not be right", async () => {
  await using reading = await Reading.open();
  await reading.write({
    files: {
      "dns.ts": plugin({
        manifest:
          'ctx: ["vms", "state"], permissions: { net: ["10.0.0.1:53"] }',
      }),
      "broken.ts": "this is no plugin",
    },
    yaml:
      "  dns:\n    events: [register]\n    grants: { ctx: [vms, nodes] }\n  broken: { enabled: false }\n",
  });
  const { plugins, known, warnings } = await reading.read();
  deepStrictEqual(plugins.map(({ name }) => name), ["dns"]);
  match(known.get("broken")?.problem ?? "", /broken\.ts:1:/);
  strictEqual(
    known.get("kwargfil")?.config,
    null,
    "it ships and is not registered",
  );
  deepStrictEqual(warnings.map((text) => reading.plain(text)), [
    'CTRL:5:5: plugin "dns" asks for net 10.0.0.1:53, ctx.state, which is not granted: what needs it will fail',
    'CTRL:5:5: plugin "dns" is granted ctx.nodes, which it does not ask for: it does not get it',
  ]);
});

Deno.test("whatever is wrong with a plugin that is turned off, the others run, and it is told of that", async () => {
  await using reading = await Reading.open();
  // As many as are read at once: they would hold up the start for ten minutes.
  const hang = ["hangs", "hangs2", "hangs3", "hangs4"];
  const off = (name: string, rest: string) =>
    `  ${name}: { enabled: false, ${rest} }\n`;
  await reading.write({
    files: {
      "dns.ts": plugin({ manifest: 'events: { done: "a" }' }),
      "clock.ts": plugin({ name: "clock" }),
      "event.ts": plugin({ name: "event" }),
      "twice.ts": plugin({ name: "twice", manifest: 'events: { done: "b" }' }),
      "other.ts": plugin({ name: "another" }),
      "option.ts": plugin({ name: "option" }),
      ...Object.fromEntries(
        hang.map((name) => [`${name}.ts`, `${plugin({ name })}\nfor (;;);`]),
      ),
      "told.ts": plugin({ name: "told", manifest: 'events: { heard: "c" }' }),
    },
    yaml: off("twice", "events: [register]") +
      "  dns: { events: [register] }\n" +
      off("clock", "events: [periodic]") +
      off("event", "events: [registr]") +
      off("other", "events: [register]") +
      off("option", "events: [register], options: { a: 1 }") +
      hang.map((name) => off(name, "limits: { start: 10m }")).join("") +
      off("lost", "events: [register]") +
      off("told", "events: [register]"),
  });
  const { plugins, known } = await reading.read();
  deepStrictEqual(plugins.map(({ name }) => name), ["dns"]);
  const problem = (name: string) => known.get(name)?.problem ?? "";
  match(problem("twice"), /"dns" and "twice" both declare the event "done"/);
  match(problem("clock"), /"periodic" needs a period/);
  match(problem("event"), /there is no event "registr"/);
  match(problem("other"), /the manifest of .* says "another"/);
  match(problem("option"), /nothing|unknown option/);
  match(problem("hangs"), /it has not loaded within 3000 ms/);
  match(problem("lost"), /there is no plugin "lost"/);
  strictEqual(problem("told"), "");
});
