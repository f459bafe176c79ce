/**
 * A store that fails or waits when a test tells it to, over any other store.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type {
  Entry,
  Holder,
  Key,
  Mutation,
  Rider,
  Store,
  StoreStats,
} from "./store.ts";

/** How commits fail. */
export interface Failure {
  /** How many commits; one when absent. */
  readonly times?: number;
  /** Commits to let through first; none when absent. */
  readonly after?: number;
  /** `none`: nothing was written. `lost`: it was, and only the answer is lost. */
  readonly outcome?: "none" | "lost";
  /** What they reject with; a full disk, or a lost answer, when absent. */
  readonly error?: UsherError;
}

/** A store with faults. */
export class FailingStore implements Store {
  readonly #inner: Store;
  #failure: Failure | null = null;
  #passed = 0;
  #failed = 0;
  #held: PromiseWithResolvers<void> | null = null;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** Lets coming commits fail; replaces what was told before. */
  fail(failure: Failure = {}): void {
    this.#failure = failure;
    this.#passed = 0;
    this.#failed = 0;
  }

  /** Keeps commits waiting, in order, until `release`. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Lets waiting commits go on. */
  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** How many commits have failed as told last. */
  get failures(): number {
    return this.#failed;
  }

  get holder(): Holder {
    return this.#inner.holder;
  }

  ride(rider: Rider): void {
    this.#inner.ride(rider);
  }

  get lost(): AbortSignal {
    return this.#inner.lost;
  }

  get(key: Key): Promise<unknown> {
    return this.#inner.get(key);
  }

  list(prefix: Key): AsyncIterable<Entry> {
    return this.#inner.list(prefix);
  }

  snapshot(): AsyncIterable<Mutation> {
    return this.#inner.snapshot();
  }

  async commit(mutations: readonly Mutation[]): Promise<void> {
    const copy = structuredClone(mutations);
    while (this.#held !== null) await this.#held.promise;
    const failure = this.#nextFailure();
    if (failure === null) return await this.#inner.commit(copy);
    if (failure.outcome === "lost") await this.#inner.commit(copy);
    throw failure.error ?? defaultError(failure);
  }

  #nextFailure(): Failure | null {
    const failure = this.#failure;
    if (failure === null) return null;
    if (this.#passed < (failure.after ?? 0)) {
      this.#passed++;
      return null;
    }
    if (this.#failed >= (failure.times ?? 1)) return null;
    this.#failed++;
    return failure;
  }

  stats(): StoreStats {
    return this.#inner.stats();
  }

  async close(): Promise<void> {
    this.release();
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function defaultError({ outcome }: Failure): UsherError {
  return outcome === "lost"
    ? new UsherError(
      "interrupted",
      "Cannot tell whether the state was written: the answer was lost",
    )
    : new UsherError(
      "unavailable",
      "Cannot write the state: the disk is full",
    );
}
