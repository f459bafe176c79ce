/**
 * Records in Deno KV, written under the epoch of one holder.
 *
 * Every atomic write checks the versionstamp of the holder record, which
 * changes when another takes over, and of a sequence record, which changes
 * with every write: so a write whose answer was lost can be told to have
 * happened or not, and can never land later.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { Backend, RawEntry } from "./backend.ts";
import { storeKeys } from "./key.ts";
import type { Write } from "./record.ts";
import type { Holder, Key } from "./store.ts";

/** The part of Deno KV that a store needs. */
export interface KvDatabase {
  get(key: Key): Promise<KvRecord>;
  list(
    selector: { prefix: Key },
    options: { batchSize: number },
  ): AsyncIterable<KvRecord>;
  atomic(): KvAtomic;
  close(): void;
}

/** A record with its versionstamp; both null when there is none. */
export interface KvRecord {
  readonly key: Key;
  readonly value: unknown;
  readonly versionstamp: string | null;
}

/** An atomic write being put together. */
export interface KvAtomic {
  check(...checks: { key: Key; versionstamp: string | null }[]): this;
  set(key: Key, value: unknown): this;
  delete(key: Key): this;
  commit(): Promise<{ ok: true; versionstamp: string } | { ok: false }>;
}

const BATCH_SIZE = 500;
const LOOKS = 3;

/** What a backend on Deno KV is made from. */
export interface KvBackendOptions {
  readonly database: KvDatabase;
  /** Versionstamp of the holder record that gives the right to write. */
  readonly holderStamp: string;
  /** The file or URL, for messages. */
  readonly place: string;
  /** Gives up what else ends with the right to write: the lease or the lock. */
  release(): Promise<void>;
}

/** A backend on Deno KV. */
export class KvBackend implements Backend {
  readonly #options: KvBackendOptions;
  /** Versionstamp of the sequence record; undefined when it must be looked up. */
  #sequence: string | null | undefined;

  constructor(options: KvBackendOptions) {
    this.#options = options;
  }

  async write(writes: readonly Write[]): Promise<void> {
    this.#sequence ??= (await this.#look()).versionstamp;
    const mark = crypto.randomUUID();
    const atomic = this.#begin(mark, this.#sequence);
    for (const { key, bytes } of writes) {
      if (bytes === null) atomic.delete(key);
      else atomic.set(key, bytes);
    }
    let result: Awaited<ReturnType<KvAtomic["commit"]>>;
    try {
      result = await atomic.commit();
    } catch (error) {
      return await this.#settle(mark, error);
    }
    if (!result.ok) throw await this.#refusal();
    this.#sequence = result.versionstamp;
  }

  #begin(mark: string, sequence: string | null): KvAtomic {
    const { database, holderStamp } = this.#options;
    return database.atomic()
      .check(
        { key: storeKeys.holder(), versionstamp: holderStamp },
        { key: storeKeys.sequence(), versionstamp: sequence },
      )
      .set(storeKeys.sequence(), mark);
  }

  /** Finds out whether the write that failed with `error` happened; throws when not. */
  async #settle(mark: string, error: unknown): Promise<void> {
    const before = this.#sequence;
    this.#sequence = undefined;
    const seen = await this.#look().catch((failure: unknown) => {
      throw this.#undecided(error, failure);
    });
    if (seen.value !== mark && seen.versionstamp !== before) {
      throw await this.#refusal();
    }
    this.#sequence = seen.versionstamp;
    if (seen.value !== mark) throw cannotWrite(this.#options.place, error);
  }

  async #look(): Promise<KvRecord> {
    for (let look = 1;; look++) {
      try {
        return await this.#options.database.get(storeKeys.sequence());
      } catch (error) {
        if (look === LOOKS) throw cannotWrite(this.#options.place, error);
      }
    }
  }

  #undecided(error: unknown, failure: unknown): UsherError {
    return new UsherError(
      "interrupted",
      `Cannot tell whether state "${this.#options.place}" was written: ${
        messageOf(error)
      }, then ${messageOf(failure)}`,
      { cause: error },
    );
  }

  /** Why the checks of a write did not hold. */
  async #refusal(): Promise<UsherError> {
    const { database, place, holderStamp } = this.#options;
    const { value, versionstamp } = await database.get(storeKeys.holder());
    if (versionstamp === holderStamp) {
      this.#sequence = undefined;
      return cannotWrite(place, new Error("An earlier write arrived late"));
    }
    const holder = describeHolder(value);
    return new UsherError(
      "stale",
      `Cannot write state "${place}": it was taken over by ${holder}`,
      {
        holder,
      },
    );
  }

  async read(key: Key): Promise<Uint8Array | null> {
    const { value } = await this.#options.database.get(key);
    return value instanceof Uint8Array ? value : null;
  }

  async *scan(prefix: Key): AsyncIterable<RawEntry> {
    const records = this.#options.database.list({ prefix }, {
      batchSize: BATCH_SIZE,
    });
    for await (const { key, value } of records) {
      if (value instanceof Uint8Array) yield { key, bytes: value };
    }
  }

  async close(): Promise<void> {
    await this.#options.release();
    this.#options.database.close();
  }
}

/** The error for a database that cannot be written now. */
export function cannotWrite(place: string, cause: unknown): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot write state "${place}": ${messageOf(cause)}`,
    {
      hint: "Free some space, or make the place writable, and try again",
      cause,
    },
  );
}

/** A holder record for people. */
export function describeHolder(record: unknown): string {
  const { host, pid, since } = (record ?? {}) as Partial<Holder>;
  if (host === undefined) return "another controller";
  return `process ${pid} on ${host}, since ${since}`;
}
