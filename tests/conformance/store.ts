/**
 * What every store must keep: the promises of `src/store/store.ts`, each test
 * named by the number of its promise.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isUsherError } from "../../src/error/mod.ts";
import { LIMITS } from "../../src/store/key.ts";
import type { Entry, Key, Mutation, Store } from "../../src/store/store.ts";

/** One state, and what a test can do to it. */
export interface StoreHarness extends AsyncDisposable {
  /**
   * Opens the state, taking it over from a store that is still open, as after
   * a crash of its holder.
   */
  open(): Promise<Store>;
  /** Lets `writes` more atomic writes happen; those after it find a full disk. */
  limit(writes: number): void;
  /** How many parts of large commits lie in the state. */
  countParts(): Promise<number>;
}

/** Registers the suite for one implementation. */
export function storeConformance(
  name: string,
  makeHarness: () => Promise<StoreHarness>,
): void {
  function test(
    title: string,
    run: (harness: StoreHarness) => Promise<void>,
  ): void {
    Deno.test(`${name}: ${title}`, async () => {
      await using harness = await makeHarness();
      await run(harness);
    });
  }

  test("[1] what was committed is there after a crash", async (harness) => {
    const store = await harness.open();
    await store.commit([set(["a", 1], { text: "é\n" }), set(["a", 2], [null])]);
    await store.commit([remove(["a", 2]), set(["b"], "x")]);
    await using again = await harness.open();
    deepStrictEqual(await again.get(["a", 1]), { text: "é\n" });
    strictEqual(await again.get(["a", 2]), null);
    deepStrictEqual(await all(again, []), [
      { key: ["a", 1], value: { text: "é\n" } },
      { key: ["b"], value: "x" },
      { key: ["meta", "schema"], value: { version: 1 } },
    ]);
    await store.close();
  });

  test("[1] a list is in key order and holds its prefix only", async (harness) => {
    await using store = await harness.open();
    const keys: Key[] = [
      ["p", "b"],
      ["p", 10],
      ["p", 9],
      ["p", "a", 1],
      ["p", "a"],
      ["p", "é"],
      ["pq", "a"],
      ["p"],
    ];
    await store.commit(keys.map((key) => set(key, 0)));
    deepStrictEqual((await all(store, ["p"])).map(({ key }) => key), [
      ["p", "a"],
      ["p", "a", 1],
      ["p", "b"],
      ["p", "é"],
      ["p", 9],
      ["p", 10],
    ]);
  });

  test("[1] a commit holds its values as they were when it was asked for", async (harness) => {
    await using store = await harness.open();
    const value = { count: 1 };
    const done = store.commit([set(["a"], value)]);
    value.count = 2;
    await done;
    deepStrictEqual(await store.get(["a"]), { count: 1 });
  });

  test("[1] a record that no database takes is refused by name, with its whole commit", async (harness) => {
    await using store = await harness.open();
    const bad: Mutation[] = [
      set(["vm", "big"], "x".repeat(LIMITS.valueBytes)),
      set(["vm", "none"], undefined),
      set(["vm", "x".repeat(3000)], 1),
      set(["store", "holder"], 1),
      set([], 1),
    ];
    for (const mutation of bad) {
      await rejects(
        store.commit([set(["fine"], 1), mutation]),
        (error) =>
          isUsherError(error, "internal") &&
          error.message.includes(JSON.stringify(mutation.key).slice(0, 60)),
      );
    }
    strictEqual(await store.get(["fine"]), null);
    await store.commit([set(["fine"], "x".repeat(LIMITS.valueBytes - 2))]);
  });

  test("[2] commits become durable in the order they were asked for", async (harness) => {
    await using store = await harness.open();
    const ended: number[] = [];
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      await store.commit([set(["last"], i), set(["all", i], i)]);
      ended.push(i);
    }));
    strictEqual(await store.get(["last"]), 49);
    deepStrictEqual(ended, Array.from({ length: 50 }, (_, i) => i));
  });

  test("[3] commits that are pending together share a write", async (harness) => {
    await using store = await harness.open();
    const before = store.stats();
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        Array.from({ length: 64 }, (_, i) => store.commit([set(["a", i], i)])),
      );
    }
    const { commits, writes, mutations } = store.stats();
    strictEqual(commits - before.commits, 192);
    strictEqual(mutations - before.mutations, 192);
    ok(writes - before.writes <= 6, `${writes} writes`);
  });

  test("[4] a writer whose state was taken over can write no more", async (harness) => {
    const first = await harness.open();
    await first.commit([set(["a"], 1)]);
    await using second = await harness.open();
    ok(second.holder.epoch > first.holder.epoch);
    for (let i = 0; i < 3; i++) {
      await rejects(first.commit([set(["a"], 2)]), isStale);
    }
    await second.commit([set(["b"], 1)]);
    await rejects(first.commit([set(["a"], 2)]), isStale);
    strictEqual(await second.get(["a"]), 1);
    await first.close();
  });

  test("[4] a closed store has written what was pending, and writes no more", async (harness) => {
    const store = await harness.open();
    const pending = store.commit([set(["a"], 1)]);
    await store.close();
    await pending;
    await rejects(store.commit([set(["a"], 2)]), isStale);
    await using again = await harness.open();
    strictEqual(await again.get(["a"]), 1);
  });

  test("[5] a commit that fails changes nothing, and what waits behind it fails too", async (harness) => {
    await using store = await harness.open();
    await store.commit([set(["a"], 0)]);
    harness.limit(0);
    const failed = await Promise.allSettled([
      store.commit([set(["a"], 1), set(["b"], 1)]),
      store.commit([set(["a"], 2)]),
    ]);
    for (const result of failed) {
      ok(
        result.status === "rejected" &&
          isUsherError(result.reason, "unavailable"),
      );
    }
    harness.limit(Infinity);
    strictEqual(await store.get(["a"]), 0);
    strictEqual(await store.get(["b"]), null);
    await store.commit([set(["a"], 3)]);
    strictEqual(await store.get(["a"]), 3);
  });

  test("[6] a commit larger than one atomic write is all there", async (harness) => {
    await using store = await harness.open();
    const before = store.commit([set(["big", 0], "before")]);
    const large = store.commit(manyMutations(1));
    const after = store.commit([set(["big", 1], "after")]);
    await Promise.all([before, large, after]);
    const entries = await all(store, ["big"]);
    strictEqual(entries.length, MANY);
    strictEqual(entries[1]?.value, "after");
    deepStrictEqual(entries[0]?.value, valueOf(1));
    strictEqual(await harness.countParts(), 0);
  });

  test("[6] a large commit cut at any write is there wholly or not at all", async (harness) => {
    let isDone = false;
    for (let writes = 0; !isDone; writes++) {
      const round = writes + 1;
      const store = await harness.open();
      harness.limit(writes);
      const isDurable = await store.commit(manyMutations(round)).then(
        () => true,
        () => false,
      );
      isDone = isDurable && await isReadable(store);
      harness.limit(Infinity);
      await using again = await harness.open();
      const entries = await all(again, ["big"]);
      const rounds = new Set(entries.map(({ value }) => roundOf(value)));
      ok(rounds.size <= 1, `a mixture after ${writes} writes`);
      strictEqual(rounds.has(round), isDurable);
      strictEqual(await harness.countParts(), 0);
      await store.close();
      ok(writes < 50, "it never succeeds");
    }
  });

  test("[6] a large commit that is durable is put in place when there is room again", async (harness) => {
    const store = await harness.open();
    for (let writes = 1;; writes++) {
      harness.limit(writes);
      if (await succeeds(store.commit(manyMutations(writes)))) break;
    }
    harness.limit(Infinity);
    await store.commit([set(["big", 0], "later")]);
    strictEqual(await store.get(["big", 0]), "later");
    strictEqual((await all(store, ["big"])).length, MANY);
    strictEqual(await harness.countParts(), 0);
    await store.close();
  });

  test("[7] a snapshot is the state of one moment, while commits go on", async (harness) => {
    await using store = await harness.open();
    const before = Array.from({ length: 800 }, (_, i) => set(["n", i], -1));
    await store.commit(before);
    // What the state is after each number of commits.
    const history: Map<string, unknown>[] = [];
    let commits = 0;
    let isOver = false;
    async function write(): Promise<void> {
      while (!isOver) {
        const number = commits++;
        const last = history.at(-1) ?? asMap(before);
        const mutations = mutationsOf(number);
        history.push(asMap(mutations, last));
        await store.commit(mutations);
      }
    }
    const writing = Promise.all(Array.from({ length: 8 }, write));
    for (let round = 0; round < 5 || commits < 60; round++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      const seen = asMap(await Array.fromAsync(store.snapshot()));
      seen.delete('["meta","schema"]');
      const number = seen.get('["count"]') as number | undefined;
      if (number === undefined) continue;
      deepStrictEqual([...seen].sort(), [...history[number] ?? []].sort());
    }
    isOver = true;
    await writing;
  });

  test("[7] a snapshot that is not read to its end costs nothing later", async (harness) => {
    await using store = await harness.open();
    await store.commit([set(["a"], 1), set(["b"], 2)]);
    for await (const mutation of store.snapshot()) {
      deepStrictEqual(mutation, set(["a"], 1));
      break;
    }
    await store.commit([set(["c"], 3)]);
    strictEqual(await store.get(["c"]), 3);
  });
}

/** Changes far apart in the order of keys; now and then more than one atomic write takes. */
function mutationsOf(number: number): Mutation[] {
  const spread = number % 7 === 3
    ? Array.from({ length: 1000 }, (_, i) => set(["n", i % 800], number))
    : [
      set(["n", number % 800], number),
      set(["n", 799 - number % 800], number),
    ];
  return [
    set(["a", number % 3], number),
    ...spread,
    number % 2 === 0
      ? remove(["z", number % 4])
      : set(["z", number % 4], number),
    set(["count"], number),
  ];
}

function asMap(
  mutations: readonly Mutation[],
  before: ReadonlyMap<string, unknown> = new Map(),
): Map<string, unknown> {
  const map = new Map(before);
  for (const mutation of mutations) {
    const name = JSON.stringify(mutation.key);
    if (mutation.type === "set") map.set(name, mutation.value);
    else map.delete(name);
  }
  return map;
}

const MANY = 1200;

/** More than one atomic write can take, in number and in size. */
function manyMutations(round: number): Mutation[] {
  return Array.from(
    { length: MANY },
    (_, i) => set(["big", i], valueOf(round)),
  );
}

function valueOf(round: number) {
  return { round, text: "v".repeat(1000) };
}

function roundOf(value: unknown): number {
  return (value as { round: number }).round;
}

/** A set of one record. */
export function set(key: Key, value: unknown): Mutation {
  return { type: "set", key, value };
}

/** A removal of one record. */
export function remove(key: Key): Mutation {
  return { type: "delete", key };
}

/** All entries under `prefix`. */
export async function all(store: Store, prefix: Key): Promise<Entry[]> {
  return await Array.fromAsync(store.list(prefix));
}

async function isReadable(store: Store): Promise<boolean> {
  return await succeeds(store.get(["big", 0]));
}

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(() => true, () => false);
}

function isStale(error: unknown): boolean {
  return isUsherError(error, "stale");
}
