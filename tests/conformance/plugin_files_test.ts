/**
 * From files to what is known of a plugin: found, snapshotted, read in a
 * worker without permissions; and every mistake, with where it is.
 */
import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { findPlugins, pluginAt } from "../../src/plugin/files/find.ts";
import { HostPool } from "../../src/plugin/process/host_pool.ts";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import { PluginReader } from "../../src/plugin/files/read.ts";
import { takeSnapshot } from "../../src/plugin/files/snapshot.ts";
import { PluginLimits } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { shippedPlugins } from "../../src/sys/machine.ts";
import { fixturePlugin, runnerBench } from "./plugin_runner.ts";
import { PluginFolder, pluginText } from "../support/plugin_folder.ts";

Deno.test("findPlugins() finds files and folders, and passes over all else", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "one.ts": "",
    "one_test.ts": "",
    "two.js": "",
    "three/plugin.ts": "",
    "four/mod.ts": "",
    "four/plugin.js": "",
    "lib/tool.ts": "",
    "README.md": "",
    "types.d.ts": "",
    "My-Plugin.ts": "",
  });
  const found = await findPlugins({ shipped: null, dirs: [folder.plugins] });
  deepStrictEqual(
    [...found.values()].map(({ name, entry }) => `${name} ${entry}`).sort(),
    ["four plugin.js", "one one.ts", "three plugin.ts", "two two.js"],
  );
});

Deno.test("findPlugins() finds those that ship, each with its manifest's name", async () => {
  const found = await findPlugins({ shipped: shippedPlugins(), dirs: [] });
  ok(found.has("users") && found.has("sample") && found.has("sample2"));
  strictEqual(found.get("users")?.source, "built in");
});

Deno.test("findPlugins() names both of two plugins with one name", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "one.ts": "", "one/plugin.ts": "" });
  await rejects(findPlugins({ shipped: null, dirs: [folder.plugins] }), {
    code: "invalid_input",
    message:
      `Two plugins are called "one": ${folder.plugins}/one and ${folder.plugins}/one.ts`,
  });
});

Deno.test("findPlugins() names a folder that is not there", async () => {
  await rejects(findPlugins({ shipped: null, dirs: ["/nowhere"] }), {
    code: "unavailable",
    message:
      'Cannot read the plugin folder "/nowhere": there is no such folder',
  });
});

Deno.test("pluginAt() says what is missing", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "empty/readme.md": "" });
  await rejects(pluginAt(`${folder.plugins}/none.ts`), {
    code: "invalid_input",
    message: `There is no plugin at "${folder.plugins}/none.ts"`,
  });
  await rejects(pluginAt(`${folder.plugins}/empty`), {
    message: /has no plugin\.ts, plugin\.js, mod\.ts or mod\.js$/,
  });
});

Deno.test("takeSnapshot() names a plugin by what is in its files, and takes types out in place", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "one/plugin.ts": 'import { a } from "./lib/a.ts";\nexport { a };\n',
    "one/lib/a.ts": "export const a: number = 1;\n",
    "one/plugin_test.ts": "throw 1",
    "one/.hidden": "x",
  });
  const first = await folder.snapshot("one");
  strictEqual(first.folder, `${folder.store}/${first.hash}`);
  strictEqual(
    await Deno.readTextFile(`${first.folder}/lib/a.ts`),
    "export const a         = 1;\n",
  );
  deepStrictEqual(
    Array.from(Deno.readDirSync(first.folder), ({ name }) => name).sort(),
    ["lib", "plugin.ts"],
  );
  deepStrictEqual(await folder.snapshot("one"), first);
  await folder.write({ "one/lib/a.ts": "export const a: number = 2;\n" });
  const second = await folder.snapshot("one");
  notStrictEqual(second.hash, first.hash);
});

Deno.test("takeSnapshot() follows a link inside of the plugin, and none out of it", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "in/plugin.ts": "",
    "in/lib/a.ts": "",
    "out/plugin.ts": "",
  });
  await Deno.symlink("lib", `${folder.plugins}/in/other`);
  await Deno.symlink(".", `${folder.plugins}/in/again`);
  await Deno.symlink("/etc/hostname", `${folder.plugins}/out/secret`);
  const { folder: taken } = await folder.snapshot("in");
  ok((await Deno.stat(`${taken}/other/a.ts`)).isFile);
  await rejects(folder.snapshot("out"), {
    code: "invalid_input",
    message:
      `Plugin "out": cannot read ${folder.plugins}/out/secret: it is a link that leads out of the folder`,
  });
});

Deno.test("takeSnapshot() minds nothing that lies beside a plugin of one file", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "one.ts": "" });
  // As an editor leaves it, to say who has the file open.
  await Deno.symlink("/nowhere/at/all", `${folder.plugins}/.#one.ts`);
  await Deno.symlink("/etc/hostname", `${folder.plugins}/two.ts`);
  const { folder: taken } = await folder.snapshot("one.ts");
  deepStrictEqual(
    Array.from(Deno.readDirSync(taken), ({ name }) => name),
    ["one.ts"],
  );
});

Deno.test("takeSnapshot() refuses what is too much", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({ "big/plugin.ts": "" });
  using file = await Deno.create(`${folder.plugins}/big/data`);
  await file.truncate(33 * 2 ** 20);
  await rejects(folder.snapshot("big"), { message: /32 MiB/ });
});

for (
  const [what, text, expected] of [
    [
      "a syntax error",
      "export const a =\n  1 +;\n",
      "2:6: Expression expected",
    ],
    [
      "TypeScript that is more than types",
      "enum A { B }\n",
      "1:1: TypeScript enum is not supported in plugins",
    ],
  ] as const
) {
  Deno.test(`takeSnapshot() says file, line and column of ${what}`, async () => {
    await using folder = await PluginFolder.make();
    await folder.write({ "one/plugin.ts": "", "one/lib.ts": text });
    await rejects(folder.snapshot("one"), {
      code: "invalid_input",
      message: `${folder.plugins}/one/lib.ts:${expected}`,
    });
    deepStrictEqual(Array.from(Deno.readDirSync(folder.store)), []);
  });
}

Deno.test("takeSnapshot() makes one file of a plugin that ships with packages", async () => {
  await using folder = await PluginFolder.make();
  const found = await findPlugins({ shipped: shippedPlugins(), dirs: [] });
  const place = found.get("udns");
  ok(place);
  const snapshot = await takeSnapshot(place, folder.store);
  deepStrictEqual(
    Array.from(Deno.readDirSync(snapshot.folder), ({ name }) => name),
    ["plugin.ts"],
  );
  await using reader = new PluginReader({ clock: systemClock, heard() {} });
  const { manifest } = await reader.read({
    name: "udns",
    snapshot,
    registrations: [],
    limits: PluginLimits.parse({}),
  });
  strictEqual(manifest.name, "udns");
});

Deno.test("a plugin runs in the process that it was read in, when it has read nothing else", async () => {
  await using folder = await PluginFolder.make();
  await folder.write({
    "promises.ts": pluginText("promises", "echo: (a) => a"),
  });
  const pool = new HostPool();
  const ports = { clock: systemClock, heard() {} };
  const snapshot = await folder.snapshot("promises.ts");
  const toRead = {
    registrations: [],
    limits: PluginLimits.parse({}),
    snapshot,
  };
  await using reader = new PluginReader(ports, pool);
  await reader.read({ ...toRead, name: "promises" });
  const read = pool.take(snapshot.hash);
  ok(read !== null);
  pool.keep(snapshot.hash, read, systemClock);
  const plugin = fixturePlugin(snapshot, { limits: { message: "8MiB" } });
  await using bench = await runnerBench(
    (ports) => new ProcessRunner(ports, pool),
    {
      ...plugin,
      registrations: plugin.registrations.slice(0, 1).map((one) => ({
        ...one,
        options: {},
      })),
    },
  );
  strictEqual(bench.runner.status("promises")?.pid, read.id.pid);
  const long = "x".repeat(6 * 2 ** 20);
  deepStrictEqual(await bench.call("echo", [long]), [long]);
  await folder.write({ "promises.ts": 'throw new Error("no")' });
  const worse = await folder.snapshot("promises.ts");
  await rejects(reader.read({ ...toRead, snapshot: worse, name: "promises" }));
  strictEqual(pool.take(worse.hash), null);
});
