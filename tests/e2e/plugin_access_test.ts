/**
 * Plugins that the controller may not read: each is named, with what would be
 * right, by a controller that is nobody in particular.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { pluginText } from "../support/plugin_folder.ts";
import { Role } from "../support/role.ts";

/** Nothing is kept from the superuser, so it becomes somebody else. */
const AS_NOBODY = Deno.uid() === 0
  ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
  : [];

/** A folder of that user's with plugins in it. */
class Folder implements AsyncDisposable {
  readonly #closed: string[] = [];

  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    const folder = new Folder(
      await Deno.makeTempDir({ prefix: "usher_access_" }),
    );
    const { path } = folder;
    for (const dir of ["site", "site/two", "locked", "locked/in"]) {
      await Deno.mkdir(`${path}/${dir}`);
    }
    await folder.write("site/one.ts", pluginText("one", "register() {}"));
    await folder.write("site/two/plugin.ts", 'import "./part.ts";\n');
    await folder.write("site/two/part.ts", "export {};\n");
    await folder.write("locked/three.ts", pluginText("three", ""));
    await folder.write("ctrl.yaml", folder.#config());
    if (AS_NOBODY.length > 0) {
      for (const file of ["", "/site", "/site/one.ts"]) {
        await Deno.chown(path + file, 65534, 65534);
      }
    }
    return folder;
  }

  #config(): string {
    return [
      `state_dir: ${this.path}/state`,
      'listen: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" }',
      `plugin_dirs: [${this.path}/site]`,
      "plugins: { one: { events: [register] } }",
    ].join("\n");
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${name}`, text);
  }

  /** Lets nobody but the superuser at it, until it is opened again. */
  async close(name: string): Promise<void> {
    await Deno.chmod(`${this.path}/${name}`, 0);
    this.#closed.push(name);
  }

  async openAll(): Promise<void> {
    for (const name of this.#closed.splice(0)) {
      await Deno.chmod(`${this.path}/${name}`, 0o755);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.openAll();
    await Deno.remove(this.path, { recursive: true });
  }
}

const MAY_READ =
  /the user that usher runs as must be allowed to read it: ls -ld \S+ shows/;

/** What is closed, what ctrl.yaml says of plugins where it is not the usual, and what is said. */
const CLOSED: readonly {
  readonly what: string;
  readonly config?: string;
  readonly said: RegExp;
  readonly hint: RegExp;
}[] = [
  {
    what: "site/one.ts",
    said: /Plugin "one": cannot read \/\S+\/site\/one\.ts: permission denied/,
    hint: MAY_READ,
  },
  {
    what: "site/two",
    said:
      /ctrl\.yaml:3:15: plugin_dirs\.0: cannot read the plugin folder "\/\S+\/site\/two": permission denied/,
    hint: MAY_READ,
  },
  {
    what: "site/two/part.ts",
    config: "plugins: { two: { events: [register] } }",
    said:
      /Plugin "two": cannot read \/\S+\/site\/two\/part\.ts: permission denied/,
    hint: MAY_READ,
  },
  {
    what: "site",
    said:
      /ctrl\.yaml:3:15: plugin_dirs\.0: cannot read the plugin folder "\/\S+\/site": permission denied/,
    hint: MAY_READ,
  },
  {
    what: "locked",
    config: "plugins: {}\nplugin_dirs: [FOLDER/locked/in]",
    said:
      /ctrl\.yaml:4:15: plugin_dirs\.0: cannot read "\/\S+\/locked\/in": permission denied/,
    hint: /allowed to enter "\/\S+\/locked" and all folders above it/,
  },
  {
    what: "locked",
    config:
      "plugins:\n  three: { path: FOLDER/locked/three.ts, events: [register] }",
    said:
      /ctrl\.yaml:\d+:\d+: plugins\.three\.path: cannot read "\/\S+\/locked\/three\.ts": permission denied/,
    hint: /allowed to enter "\/\S+\/locked" and all folders above it/,
  },
];

Deno.test("a plugin, a part of one or a folder that the controller may not read is named, with what would be right", async (t) => {
  const usher = await compiledUsher();
  await using folder = await Folder.make();
  const usual = await Deno.readTextFile(`${folder.path}/ctrl.yaml`);
  for (const { what, config, said, hint } of CLOSED) {
    await t.step(`${what}${config ? `, by ${config}` : ""}`, async () => {
      const lines = usual.split("\n");
      // Whatever is given stands in the place of what is usual.
      const kept = config === undefined
        ? lines
        : lines.filter((line) =>
          !config.split("\n").some((one) =>
            /^\w+:/.test(one) && line.startsWith(one.slice(0, one.indexOf(":")))
          )
        );
      const more = config?.replaceAll("FOLDER", folder.path) ?? "";
      await folder.write("ctrl.yaml", [...kept, more].join("\n"));
      await folder.close(what);
      const { code, err } = await start(usher, folder);
      await folder.openAll();
      strictEqual(code, 64, err);
      match(inALine(err), said);
      match(err, hint);
      strictEqual(/\n\s+at /.test(err), false, err);
    });
  }
});

/** Subject and reason, which are said in lines of their own. */
function inALine(text: string): string {
  return text.replace("\n  why: ", ": ");
}

async function start(usher: string, { path }: Folder) {
  const [program = usher, ...args] = [
    ...AS_NOBODY,
    usher,
    ...["ctrl", "--config", `${path}/ctrl.yaml`],
  ];
  const { code, stderr } = await new Deno.Command(program, {
    args,
    env: { HOME: path, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

Deno.test("a file that may no longer be read leaves the plugin as it runs", async () => {
  const usher = await compiledUsher();
  await using folder = await Folder.make();
  const state = `${folder.path}/dev`;
  await using _site = await Role.ready(
    ["dev", "--nodes", "1", "--state", state, "--config"].concat(
      `${folder.path}/ctrl.yaml`,
    ),
    { usher, through: AS_NOBODY, env: { HOME: folder.path } },
  );
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(usher, {
      args,
      env: { HOME: folder.path, USHERCLI_CONFIG: `${state}/cli.yaml` },
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  };
  await folder.write("site/one.ts", pluginText("one", "register() {} /**/"));
  await folder.close("site/one.ts");
  const refused = await run("plugin", "reload");
  match(
    inALine(refused.said),
    /"one": cannot read \/\S+\/site\/one\.ts: permission denied/,
  );
  match(refused.said, MAY_READ);
  strictEqual(refused.code, 64, refused.said);
  match((await run("plugin", "show", "one")).said, /^state +running$/m);
  await folder.openAll();
  const { code, said } = await run("plugin", "reload");
  strictEqual(code, 0, said);
});
