/**
 * The store over any backend: coding, grouping and large commits, so that
 * what keeps the promises is one piece of code for Deno KV and for memory.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { Backend } from "./backend.ts";
import { CommitQueue, type QueueOptions } from "./commit_queue.ts";
import { STORE_PREFIX } from "./key.ts";
import { decodeValue, encodeMutation, type Write } from "./record.ts";
import type {
  Entry,
  Holder,
  Key,
  Mutation,
  Rider,
  Store,
  StoreStats,
} from "./store.ts";

/** A store on `backend`, which `holder` has the right to write to. */
export class RecordStore implements Store {
  readonly holder: Holder;
  readonly lost: AbortSignal;
  readonly #backend: Backend;
  readonly #queue: CommitQueue;
  #closing: Promise<void> | null = null;

  private constructor(
    backend: Backend,
    holder: Holder,
    lost: AbortController,
    options: QueueOptions,
  ) {
    this.#backend = backend;
    this.holder = holder;
    this.lost = lost.signal;
    this.#queue = new CommitQueue(backend, () => lost.abort(), options);
  }

  /**
   * Opens a store, finishing or removing what a crash left half done. Who
   * notices otherwise that the right to write is lost may abort `lost`.
   */
  static async open(
    backend: Backend,
    holder: Holder,
    lost = new AbortController(),
    options: QueueOptions = {},
  ): Promise<RecordStore> {
    const store = new RecordStore(backend, holder, lost, options);
    await store.#queue.recover();
    return store;
  }

  async get(key: Key): Promise<unknown> {
    await this.#queue.settled();
    const bytes = await this.#backend.read(key);
    return bytes === null ? null : decodeValue(bytes);
  }

  async *list(prefix: Key): AsyncIterable<Entry> {
    await this.#queue.settled();
    for await (const { key, bytes } of this.#backend.scan(prefix)) {
      if (key[0] !== STORE_PREFIX) yield { key, value: decodeValue(bytes) };
    }
  }

  commit(mutations: readonly Mutation[]): Promise<void> {
    try {
      return this.#queue.add(mutations.map(encodeMutation));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  ride(rider: Rider): void {
    this.#queue.ride({
      get waits() {
        return rider.waits;
      },
      board: () => rider.board().map(encodeMutation),
      landed: (isDurable) => rider.landed(isDurable),
    });
  }

  async *snapshot(): AsyncIterable<Mutation> {
    const capture = this.#queue.capture();
    let written: readonly Write[] = [];
    try {
      // What was durable before the capture must be in its place to be seen.
      await this.#queue.settled();
      for await (const { key, bytes } of this.#backend.scan([])) {
        if (key[0] === STORE_PREFIX) continue;
        yield { type: "set", key, value: decodeValue(bytes) };
      }
    } finally {
      written = await capture.end();
    }
    for (const { key, bytes } of written) {
      yield bytes === null
        ? { type: "delete", key }
        : { type: "set", key, value: decodeValue(bytes) };
    }
  }

  stats(): StoreStats {
    return this.#queue.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.end(
      new UsherError("stale", "Cannot write: the store is closed"),
    );
    await this.#backend.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
