/**
 * The store suite over Deno KV in a file, and what only such a store can
 * promise: across processes, across schema versions, with lost answers.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { isUsherError } from "../../src/error/mod.ts";
import { storeKeys } from "../../src/store/key.ts";
import {
  type KvStoreOptions,
  openKvStore,
  openOn,
} from "../../src/store/kv_store.ts";
import { LEASE } from "../../src/store/kv_lease.ts";
import type { Migration } from "../../src/store/migrate.ts";
import type { Store } from "../../src/store/store.ts";
import { silentLog } from "../../src/sys/log.ts";
import { faultyKv, KvFaults } from "../support/faulty_kv.ts";
import {
  makeMemoryFolder,
  withMemoryFolder,
} from "../support/memory_folder.ts";
import {
  all,
  remove,
  set,
  storeConformance,
  type StoreHarness,
} from "./store.ts";

const CLAIMANT = {
  host: "testhost",
  pid: Deno.pid,
  now: Date.now,
  log: silentLog,
};

/** A state that can be taken over while its holder lives, since nobody locks it. */
class KvHarness implements StoreHarness {
  readonly #folder: string;
  readonly #faults = new KvFaults();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(): Promise<Store> {
    return await openUnlocked(`${this.#folder}/state.kv`, this.#faults);
  }

  limit(writes: number): void {
    this.#faults.room = writes;
  }

  async countParts(): Promise<number> {
    using kv = await Deno.openKv(`${this.#folder}/state.kv`);
    const prefix = [...storeKeys.parts()];
    return (await Array.fromAsync(kv.list({ prefix }))).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function openUnlocked(
  path: string,
  faults = new KvFaults(),
  { leased = false, now = Date.now } = {},
): Promise<Store> {
  const kv = await Deno.openKv(path);
  try {
    return await openOn(faultyKv(kv, faults), {
      ...CLAIMANT,
      now,
      place: path,
      leased,
      release: () => Promise.resolve(),
    });
  } catch (error) {
    kv.close();
    throw error;
  }
}

storeConformance(
  "Deno KV",
  async () => new KvHarness(await makeMemoryFolder()),
);

function open(
  path: string,
  more: Partial<KvStoreOptions> = {},
): Promise<Store> {
  return openKvStore({ ...CLAIMANT, path, ...more } as KvStoreOptions);
}

function runWriter(path: string, what: "write" | "open"): Deno.ChildProcess {
  const script =
    new URL("../support/store_writer.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, path, what],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("[1] a writer that is killed loses nothing that it acknowledged", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const child = runWriter(path, "write");
    let text = "";
    let isKilled = false;
    for await (
      const part of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      text += part;
      // What was in the pipe still comes after its end.
      if (isKilled || text.split("\n").length <= 500) continue;
      child.kill("SIGKILL");
      isKilled = true;
    }
    await child.status;
    const acknowledged = text.slice(0, text.lastIndexOf("\n")).split("\n").map(
      Number,
    );
    ok(acknowledged.length >= 500);
    await using store = await open(path);
    strictEqual(store.holder.epoch, 2);
    const numbers = (await all(store, ["n"])).map(({ key }) => Number(key[1]));
    deepStrictEqual(
      numbers,
      Array.from(numbers, (_, i) => i),
      "a beginning of what was asked for",
    );
    ok(numbers.length > Math.max(...acknowledged));
  });
});

Deno.test("[4] a second controller on the same state is refused at once, and told who holds it", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const store = await open(path);
    const holder = new RegExp(
      `process ${Deno.pid} on testhost, since 20\\d\\d-`,
    );
    await rejects(open(path), (error) => {
      ok(isUsherError(error, "busy"));
      match(error.message, holder);
      match(error.details.holder ?? "", holder);
      ok(error.details.hint !== undefined);
      return true;
    });
    const { stdout } = await runWriter(path, "open").output();
    const answer = new TextDecoder().decode(stdout);
    match(answer, /^busy: /);
    match(answer, holder);
    await store.commit([set(["a"], 1)]);
    await store.close();
    await using again = await open(path);
    strictEqual(again.holder.epoch, 2);
  });
});

Deno.test("[4] a remote state is held by a lease that ends with its holder, or some time after", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const first = await openUnlocked(path, undefined, { leased: true });
    await rejects(
      openUnlocked(path, undefined, { leased: true }),
      (error) => isUsherError(error, "busy") && /testhost/.test(error.message),
    );
    const later = () => Date.now() + LEASE.ms + 1;
    const second = await openUnlocked(path, undefined, {
      leased: true,
      now: later,
    });
    await rejects(
      first.commit([set(["a"], 1)]),
      (error) => isUsherError(error, "stale"),
    );
    await first.close();
    await second.commit([set(["a"], 2)]);
    await second.close();
    const third = await openUnlocked(path, undefined, { leased: true });
    strictEqual(third.holder.epoch, 3);
    await third.close();
  });
});

Deno.test("[5] a write whose answer is lost is looked for, and counts if it happened", async () => {
  await withMemoryFolder(async (folder) => {
    const faults = new KvFaults();
    await using store = await openUnlocked(`${folder}/state.kv`, faults);
    faults.lostAnswers = 1;
    await store.commit([set(["a"], 1)]);
    strictEqual(await store.get(["a"]), 1);
    faults.lostAnswers = 1;
    faults.failedReads = 3;
    await rejects(
      store.commit([set(["a"], 2)]),
      (error) => isUsherError(error, "interrupted"),
    );
    await store.commit([set(["a"], 3)]);
    strictEqual(await store.get(["a"]), 3);
  });
});

Deno.test("a state is for its owner's eyes only, even in an open folder", async () => {
  await withMemoryFolder(async (folder) => {
    await Deno.chmod(folder, 0o755);
    await using store = await open(`${folder}/state.kv`);
    await store.commit([set(["a"], 1)]);
    for (const name of ["state.kv", "state.kv-wal"]) {
      const { mode } = await Deno.stat(`${folder}/${name}`);
      strictEqual((mode ?? 0) & 0o777, 0o600, name);
    }
  });
});

Deno.test("a state that a newer usher wrote is refused and left as it is", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const newer: Migration = {
      version: 7,
      name: "from the future",
      plan: () => Promise.resolve([]),
    };
    await (await open(path, { migrations: [newer] })).close();
    await rejects(open(path), (error) => {
      ok(isUsherError(error, "unsupported"));
      match(
        error.message,
        /state\.kv": its schema version is 7, this usher knows 1/,
      );
      return true;
    });
    const store = await open(path, { migrations: [newer] });
    strictEqual(store.holder.epoch, 2);
    await store.close();
  });
});

Deno.test("an old state takes every migration in order, each with its version", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const old = await open(path);
    await old.commit([
      set(["vm", "1"], { size: 1 }),
      set(["vm", "2"], { size: 2 }),
    ]);
    await old.close();
    const migrations: Migration[] = [
      {
        version: 2,
        name: "sizes become texts",
        plan: async (store) =>
          (await Array.fromAsync(store.list(["vm"])))
            .map(({ key, value }) =>
              set(key, { size: String((value as { size: number }).size) })
            ),
      },
      {
        version: 3,
        name: "the first goes",
        plan: () => Promise.resolve([remove(["vm", "1"])]),
      },
    ];
    for (let i = 0; i < 2; i++) {
      await using store = await open(path, { migrations });
      deepStrictEqual(await all(store, ["vm"]), [{
        key: ["vm", "2"],
        value: { size: "2" },
      }]);
      deepStrictEqual(await store.get(["meta", "schema"]), { version: 3 });
    }
  });
});

Deno.test("a migration that fails leaves the version before, and the state free", async () => {
  await withMemoryFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    await (await open(path)).close();
    const broken: Migration = {
      version: 2,
      name: "broken",
      plan: () => Promise.reject(new Error("no such field")),
    };
    await rejects(open(path, { migrations: [broken] }), /no such field/);
    await using store = await open(path);
    deepStrictEqual(await store.get(["meta", "schema"]), { version: 1 });
  });
});
