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

Deno.test("every shell script can be run and stops at its first error", async () => {
  const files = await trackedFiles();
  const faults: string[] = [];
  for (const file of files) {
    const info = await Deno.stat(REPOSITORY + file).catch(() => null);
    if (info === null || !info.isFile || info.size > 1e6) continue;
    const text = await readRepository(file);
    if (!/^#!.*\b(ba)?sh\b/.test(text)) continue;
    // The init of the guest goes on whatever happens: it has nowhere to stop.
    if (file === "scripts/guest/init") continue;
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
