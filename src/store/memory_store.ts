/**
 * A store in memory that keeps every promise but the one across processes: a
 * database here is an object, which outlives the stores opened on it.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { isoTime } from "../sys/clock.ts";
import { silentLog } from "../sys/log.ts";
import type { Backend, RawEntry } from "./backend.ts";
import { migrate } from "./migrate.ts";
import type { QueueOptions } from "./commit_queue.ts";
import type { Write } from "./record.ts";
import { RecordStore } from "./record_store.ts";
import type { Holder, Key, Store } from "./store.ts";

/** What a disk is to a store: lives on when a store is closed or abandoned. */
export class MemoryDatabase {
  readonly records = new Map<string, RawEntry>();
  epoch = 0;

  /** The way of a write to the disk, and of its answer back; a slow disk is a subclass that takes its time here. */
  travel(): Promise<void> {
    return Promise.resolve();
  }

  /** One atomic write; a full disk is a subclass that throws here. */
  apply(writes: readonly Write[]): void {
    for (const { key, name, bytes } of writes) {
      if (bytes === null) this.records.delete(name);
      else this.records.set(name, { key: [...key], bytes });
    }
  }
}

/** Which database is opened again, and who holds it. */
export interface MemoryStoreOptions extends QueueOptions {
  /** The database to open; a new one when absent. */
  readonly database?: MemoryDatabase;
  readonly host?: string;
  readonly pid?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Opens a store in memory; whoever had the database before can write no more. */
export async function openMemoryStore(
  options: MemoryStoreOptions = {},
): Promise<Store> {
  const {
    database = new MemoryDatabase(),
    host = "memory",
    pid = 0,
    now = Date.now,
  } = options;
  database.epoch++;
  const holder: Holder = {
    epoch: database.epoch,
    host,
    pid,
    since: isoTime(now()),
  };
  const store = await RecordStore.open(
    new MemoryBackend(database),
    holder,
    new AbortController(),
    options,
  );
  await migrate(store, { place: "memory", log: silentLog });
  return store;
}

class MemoryBackend implements Backend {
  readonly #database: MemoryDatabase;
  readonly #epoch: number;

  constructor(database: MemoryDatabase) {
    this.#database = database;
    this.#epoch = database.epoch;
  }

  async write(writes: readonly Write[]): Promise<void> {
    await this.#database.travel();
    if (this.#database.epoch !== this.#epoch) {
      throw new UsherError(
        "stale",
        "Cannot write state in memory: it was taken over",
      );
    }
    this.#database.apply(writes);
    await this.#database.travel();
  }

  read(key: Key): Promise<Uint8Array | null> {
    return Promise.resolve(
      this.#database.records.get(JSON.stringify(key))?.bytes ?? null,
    );
  }

  async *scan(prefix: Key): AsyncIterable<RawEntry> {
    const found = [...this.#database.records.values()]
      .filter(({ key }) =>
        key.length > prefix.length && prefix.every((part, i) => key[i] === part)
      )
      .sort((a, b) => compareKeys(a.key, b.key));
    yield* found;
  }

  async close(): Promise<void> {}
}

/** The order of Deno KV: by part, strings (by their bytes) before numbers. */
function compareKeys(a: Key, b: Key): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareBytes(a, b);
  return typeof a === "string" ? -1 : 1;
}

function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const left = [...a].map((c) => c.codePointAt(0) ?? 0);
  const right = [...b].map((c) => c.codePointAt(0) ?? 0);
  for (const [i, point] of left.entries()) {
    const order = point - (right[i] ?? -1);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
