/**
 * The repository builds anywhere: it names no registry and no machine, and
 * each of its scripts can be run as it is.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  readRepository,
  REPOSITORY,
  trackedFiles,
} from "../support/repository.ts";

Deno.test("deno.lock names packages by digest and no host", async () => {
  const text = await readRepository("deno.lock");
  deepStrictEqual(text.match(/\bhttps?:\/\/[^"/]+/g) ?? [], []);
});

Deno.test("no setting of a registry is kept in the repository", async () => {
  const files = await trackedFiles();
  const settings = files.filter((file) => /(^|\/)\.(npmrc|netrc)$/.test(file));
  deepStrictEqual(settings, []);
});

/** Hosts of examples and of one machine, and the pages that code refers to. */
const KNOWN_HOSTS = [
  /^(?:\w[\w-]*|\[[^\]]*\]|[\d.]+)$/,
  /^(?:[\w-]+\.)*example(?:\.(?:org|com|net))?$/,
  /^no-color\.org$/,
  /^systemd\.io$/,
];

/** The text of every file that Git tracks and that is text. */
async function trackedTexts(): Promise<[file: string, text: string][]> {
  const texts: [string, string][] = [];
  for (const file of await trackedFiles()) {
    const info = await Deno.lstat(REPOSITORY + file).catch(() => null);
    if (info === null || !info.isFile || info.size > 1e6) continue;
    texts.push([file, await readRepository(file)]);
  }
  return texts;
}

Deno.test("no file names a machine's own folder, nor what lies beside the checkout", async () => {
  const folders =
    /(?<![\w.$/}-])\/(?:work|home|Users|mnt\/c)\/\w+|\.\.\/shared\b/;
  // What plugins share lies in a folder of theirs.
  const ofPlugins = /^plugins\/.* from "\.\.\/shared\/[\w.]+";$/;
  const faults = (await trackedTexts()).flatMap(([file, text]) =>
    text.split("\n").flatMap((line, index) =>
      folders.test(line) && !ofPlugins.test(`${file}${line}`) &&
        file !== "tests/lint/repository_test.ts"
        ? [`${file}:${index + 1}: ${line.trim()}`]
        : []
    )
  );
  deepStrictEqual(faults, []);
});

Deno.test("no file names a host that is not the world's to know", async () => {
  const faults = (await trackedTexts()).flatMap(([file, text]) =>
    [...text.matchAll(/https?:\/\/(\[[^\]]*\]|[\w.-]+)/g)]
      .map(([, host = ""]) => host)
      .filter((host) => !KNOWN_HOSTS.some((known) => known.test(host)))
      .map((host) => `${file}: ${host}`)
  );
  deepStrictEqual(faults, []);
});

const TOP_LEVEL = new Set([
  ...["main.ts", "deno.json", "deno.lock", ".gitignore", ".ci"],
  ...["src", "plugins", "configs", "scripts", "tests", "docs"],
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"],
]);

Deno.test("the top level holds what the house has room for, and nothing else", async () => {
  const tops = (await trackedFiles()).map((file) => file.split("/")[0] ?? "");
  const others = [...new Set(tops)].filter((top) => !TOP_LEVEL.has(top));
  deepStrictEqual(others, []);
});

/** Scripts that have nowhere to stop either. */
const GO_ON = new Set([
  // What runs every script that it is given.
  "scripts/guest/debian_shell",
  // What a dom0 and a guest of the lab have in the place of an init's parts.
  "scripts/xen_lab/dom0_start",
  "scripts/xen_lab/guest_poweroff",
  "scripts/xen_lab/guest_reboot",
  // A host that answers whatever it is asked, wrongly too.
  "tests/support/fake_xl.sh",
]);

Deno.test("every shell script can be run and stops at its first error", async () => {
  const files = await trackedFiles();
  const faults: string[] = [];
  for (const file of files) {
    const info = await Deno.stat(REPOSITORY + file).catch(() => null);
    if (info === null || !info.isFile || info.size > 1e6) continue;
    const text = await readRepository(file);
    if (!/^#!.*\b(ba)?sh\b/.test(text)) continue;
    // The init of a guest goes on whatever happens: it has nowhere to stop.
    if (/(^|[/_])init$/.test(file)) continue;
    if (GO_ON.has(file)) continue;
    if (((info.mode ?? 0) & 0o111) === 0) {
      faults.push(`${file}: not executable`);
    }
    if (!/^set -e/m.test(text)) faults.push(`${file}: no "set -e"`);
  }
  deepStrictEqual(faults, []);
});

Deno.test("the scripts of the README are there", async () => {
  const commands = ["scripts/test.sh", "scripts/demo.sh", ".ci/run"];
  for (const command of commands) {
    const { mode, isFile } = await Deno.stat(REPOSITORY + command);
    strictEqual(isFile, true, command);
    strictEqual((mode ?? 0) & 0o100, 0o100, `${command} is not executable`);
  }
});
