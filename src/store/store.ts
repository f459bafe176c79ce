/**
 * The store: durable records under keys, written in groups.
 *
 * The controller keeps all it needs for reads in memory and is the only
 * writer, so the store is small: read everything once at start, then write.
 * Every implementation keeps these promises (`tests/conformance/store.ts`):
 *
 *  1. `commit` resolves once all its mutations are durable, and they become
 *     so together or not at all.
 *  2. Commits become durable in the order in which they were asked for.
 *  3. Commits that are pending together share one write to the disk.
 *  4. A writer whose epoch is over cannot write: `commit` rejects with
 *     `stale`, and goes on rejecting.
 *  5. A failed commit changes nothing, and says `unavailable` when it may be
 *     tried again (disk full, read-only).
 *  6. A commit larger than one atomic write is still all or nothing: its
 *     parts become visible with the last one, and parts without an end are
 *     swept at open.
 *  7. A snapshot is the state of one moment between two commits, however many
 *     are made while it is read.
 *
 * Values are JSON: what is read back is what `JSON.stringify` kept of it. A
 * commit takes its values when it is called; changing them later is harmless.
 * When a commit fails, so do those that were asked for behind it and are not
 * durable yet, so what is durable is always a beginning of what was asked for.
 *
 * @module
 */

/** A key: parts that sort one after another. */
export type Key = readonly (string | number)[];

/** One change of a commit. */
export type Mutation =
  | { readonly type: "set"; readonly key: Key; readonly value: unknown }
  | { readonly type: "delete"; readonly key: Key };

/** One record. */
export interface Entry {
  readonly key: Key;
  readonly value: unknown;
}

/** Who holds the right to write. */
export interface Holder {
  readonly epoch: number;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** What a store has done since it was opened. */
export interface StoreStats {
  /** Commits asked for, and the writes that they shared. */
  readonly commits: number;
  readonly writes: number;
  readonly mutations: number;
}

/** What goes along with writes, and asks for none of its own. */
export interface Rider {
  /** Whether anything waits: then an empty commit is a write, too. */
  readonly waits: boolean;
  /**
   * All that waits, for the write that is being made; it becomes durable
   * together with that write's commits. Called for one write at a time.
   */
  board(): readonly Mutation[];
  /** What became of the write that `board` was called for. */
  landed(isDurable: boolean): void;
}

/** Durable records. */
export interface Store extends AsyncDisposable {
  readonly holder: Holder;
  /** Aborts once it is known that another has taken the right to write. */
  readonly lost: AbortSignal;
  /** The value under `key`, or null when there is none. */
  get(key: Key): Promise<unknown>;
  /**
   * Every record whose key begins with `prefix`, in key order. It holds all
   * that was durable when it began, and may hold some of what came later.
   */
  list(prefix: Key): AsyncIterable<Entry>;
  commit(mutations: readonly Mutation[]): Promise<void>;
  /** Lets `rider` go along with every write from now on; there is one at most. */
  ride(rider: Rider): void;
  /**
   * Every record as it was at one moment between the call and the end, while
   * commits go on: first the records, then what was committed meanwhile. Taken
   * in order, these mutations make the state of that moment, which is one
   * between two commits. Throws `interrupted` when a write's outcome is
   * unknown.
   */
  snapshot(): AsyncIterable<Mutation>;
  stats(): StoreStats;
  /** Waits for what is pending, then gives up the right to write. */
  close(): Promise<void>;
}
