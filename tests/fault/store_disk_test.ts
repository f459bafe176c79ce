/**
 * A state whose disk is full or read-only: clear errors when it is opened and
 * when it is written, and everything as before once there is room again.
 *
 * @module
 */
import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { isUsherError } from "../../src/error/mod.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import type { Store } from "../../src/store/store.ts";
import { silentLog } from "../../src/sys/log.ts";
import { fillUp, mount, testOnDisk } from "../support/small_disk.ts";

function open(path: string): Promise<Store> {
  return openKvStore({
    path,
    host: "testhost",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
}

/** Fails unless `promise` rejects with `unavailable`, naming the state and the cause. */
async function isUnavailable(
  promise: Promise<unknown>,
  path: string,
  cause: RegExp,
): Promise<void> {
  await rejects(promise, (error) => {
    ok(isUsherError(error, "unavailable"), String(error));
    ok(error.message.includes(`"${path}"`), error.message);
    match(error.message, cause);
    ok(error.details.hint !== undefined);
    return true;
  });
}

testOnDisk(
  "disk full at a commit: it fails and says so, and the next works once there is room",
  "3m",
  async (folder) => {
    const path = `${folder}/state.kv`;
    const store = await open(path);
    let written = 0;
    const fill = async () => {
      while (written < 1000) {
        await store.commit([{
          type: "set",
          key: ["n", written],
          value: "x".repeat(50_000),
        }]);
        written++;
      }
    };
    await isUnavailable(fill(), path, /full/);
    ok(written > 0);
    ok(await mount("-o", "remount,size=16m", folder));
    await store.commit([{ type: "set", key: ["after"], value: 1 }]);
    await store.close();
    await using again = await open(path);
    strictEqual((await Array.fromAsync(again.list(["n"]))).length, written);
    strictEqual(await again.get(["after"]), 1);
  },
);

testOnDisk(
  "disk full at open: it fails and says so, and works once there is room",
  "256k",
  async (folder) => {
    const path = `${folder}/state.kv`;
    await Deno.writeFile(`${folder}/ballast`, new Uint8Array(200 * 1024));
    await fillUp(`${folder}/rest`);
    await isUnavailable(open(path), path, /full|space/i);
    ok(await mount("-o", "remount,size=16m", folder));
    await using store = await open(path);
    await store.commit([{ type: "set", key: ["a"], value: 1 }]);
  },
);

testOnDisk(
  "read-only state directory: opening fails and says so, new or old",
  "16m",
  async (folder) => {
    const old = `${folder}/old.kv`;
    await (await open(old)).close();
    ok(await mount("-o", "remount,ro", folder));
    for (const path of [old, `${folder}/new.kv`, `${folder}/sub/new.kv`]) {
      await isUnavailable(open(path), path, /[Rr]ead-?only/);
    }
    ok(await mount("-o", "remount,rw", folder));
    await using store = await open(old);
    strictEqual(store.holder.epoch, 2);
  },
);
