/**
 * The faults of the failing store.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isUsherError } from "../error/mod.ts";
import { FailingStore } from "./failing_store.ts";
import { openMemoryStore } from "./memory_store.ts";
import type { Mutation } from "./store.ts";

function set(name: string): Mutation[] {
  return [{ type: "set", key: [name], value: name }];
}

Deno.test("FailingStore fails as many commits as it was told, after as many as it was told", async () => {
  await using store = new FailingStore(await openMemoryStore());
  store.fail({ after: 1, times: 2 });
  const results = await Promise.allSettled(
    ["a", "b", "c", "d"].map((name) => store.commit(set(name))),
  );
  deepStrictEqual(results.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  strictEqual(await store.get(["b"]), null);
  strictEqual(await store.get(["d"]), "d");
});

Deno.test("FailingStore can write and lose the answer", async () => {
  await using store = new FailingStore(await openMemoryStore());
  store.fail({ outcome: "lost" });
  await rejects(
    store.commit(set("a")),
    (error) => isUsherError(error, "interrupted"),
  );
  strictEqual(await store.get(["a"]), "a");
});

Deno.test("FailingStore holds commits until they are released, in order", async () => {
  await using store = new FailingStore(await openMemoryStore());
  const ended: string[] = [];
  store.hold();
  const commits = ["a", "b"].map((name) =>
    store.commit(set(name)).then(() => ended.push(name))
  );
  strictEqual(await store.get(["a"]), null);
  store.release();
  await Promise.all(commits);
  deepStrictEqual(ended, ["a", "b"]);
});
