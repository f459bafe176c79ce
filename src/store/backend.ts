/**
 * Where records lie: the little that a database must be able to do for a
 * store (`record_store.ts`) to keep its promises on it.
 *
 * @module
 */
import type { Write } from "./record.ts";
import type { Key } from "./store.ts";

/** One record as it lies in the database. */
export interface RawEntry {
  readonly key: Key;
  readonly bytes: Uint8Array;
}

/** A database of records. */
export interface Backend {
  /**
   * Makes `writes` durable, all or none; never more than `LIMITS` allow, and
   * never two at a time. Rejects with `stale` when another holds the right to
   * write, and with `unavailable` when nothing was changed and it may be tried
   * again.
   */
  write(writes: readonly Write[]): Promise<void>;
  read(key: Key): Promise<Uint8Array | null>;
  /** Every record whose key begins with `prefix`, in key order. */
  scan(prefix: Key): AsyncIterable<RawEntry>;
  /** Gives up the right to write, and what is open. */
  close(): Promise<void>;
}
