/**
 * A backup or a restore that finds a full disk leaves nothing behind, and a
 * check changes nothing.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { makeBackup } from "../../src/ctrl/backup/make.ts";
import { restoreBackup } from "../../src/ctrl/backup/restore.ts";
import { checkState } from "../../src/ctrl/state/check.ts";
import { openSource } from "../../src/ctrl/state/source.ts";
import { isUsherError, type UsherError } from "../../src/error/mod.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { fillUp, mount, testOnDisk } from "../support/small_disk.ts";
import { DAMAGES } from "../support/damages.ts";
import { soundState, type StoredRecords } from "../support/stored.ts";

function options(stateDir: string, path = "") {
  return {
    config: CtrlConfig.parse({ state_dir: stateDir }),
    context: { clock: systemClock, newId, log: silentLog },
    version: "1",
    path,
    stateDir,
    force: false,
    signal: new AbortController().signal,
  };
}

/** A state directory that holds these records. */
async function stateOf(
  records: StoredRecords,
  more: number,
): Promise<string> {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_state_" });
  await using store = await openKvStore({
    path: `${stateDir}/state.kv`,
    host: "testhost",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  await store.commit(
    records.entries().map((entry) => ({ type: "set", ...entry })),
  );
  for (let i = 0; i < more; i++) {
    const name = `filler${i}`;
    const value = {
      v: 1,
      name,
      role: "user",
      passwordHash: "x".repeat(20_000),
      createdAt: "2026-01-01T00:00:00.000Z",
    };
    await store.commit([{ type: "set", key: ["account", name], value }]);
  }
  return stateDir;
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

testOnDisk(
  "disk full at a backup, then at a restore: each says so and leaves nothing, and works once there is room",
  "256k",
  async (folder) => {
    const stateDir = await stateOf(soundState(), 100);
    const path = `${folder}/b.backup`;
    const target = `${folder}/ctrl`;
    const isFull = (error: UsherError) => {
      match(error.message, /space|full/i);
      return isUsherError(error, "unavailable");
    };
    await rejects(makeBackup(options(stateDir, path)), isFull);
    deepStrictEqual(namesIn(folder), []);
    await mount("-o", "remount,size=16m", folder);
    await makeBackup(options(stateDir, path));
    await fillUp(`${folder}/ballast`);
    await rejects(restoreBackup(options(target, path)), isFull);
    deepStrictEqual(namesIn(folder), ["b.backup", "ballast"]);
    await Deno.remove(`${folder}/ballast`);
    await restoreBackup(options(target, path));
    await using source = await openSource(options(target));
    deepStrictEqual((await checkState(source.mutations())).findings, []);
    await Deno.remove(stateDir, { recursive: true });
  },
);

Deno.test("check: a damaged state is told, and every file stays as it was", async () => {
  const [rule = "", , damage] = DAMAGES.find(([rule]) => rule === "vm-node") ??
    [];
  const records = soundState();
  damage?.(records);
  const stateDir = await stateOf(records, 0);
  const bytesOf = () =>
    namesIn(stateDir).map((name) => [
      name,
      Deno.readFileSync(`${stateDir}/${name}`).toHex(),
    ]);
  const before = bytesOf();
  {
    await using source = await openSource(options(stateDir));
    strictEqual(source.isLive, false);
    const { findings } = await checkState(source.mutations());
    deepStrictEqual([...new Set(findings.map((one) => one.rule))], [rule]);
  }
  deepStrictEqual(bytesOf(), before);
  await Deno.remove(stateDir, { recursive: true });
});
