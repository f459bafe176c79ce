/**
 * Starts under way: one of each domain, for all who asked for it, to be
 * cancelled by a power cut.
 *
 * @module
 */
import type { DomainReport } from "./driver.ts";
import { type Turns, untilAborted } from "./turns.ts";

interface Start {
  readonly promise: Promise<DomainReport>;
  readonly cancel: AbortController;
}

/** The starts of one driver. */
export class Starts {
  readonly #turns: Turns;
  readonly #starts = new Map<string, Start>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Joins the start of `uid` that is under way, or does `work` as a new one. */
  join(
    uid: string,
    work: (cancel: AbortSignal) => Promise<DomainReport>,
  ): Promise<DomainReport> {
    const under = this.#starts.get(uid);
    if (under !== undefined && !under.cancel.signal.aborted) {
      return under.promise;
    }
    const cancel = new AbortController();
    const promise = this.#turns.take(uid, () => work(cancel.signal));
    const start: Start = { promise, cancel };
    this.#starts.set(uid, start);
    const done = () =>
      this.#starts.get(uid) === start && this.#starts.delete(uid);
    promise.then(done, done);
    return promise;
  }

  /** Likewise, waited for as long as `signal` allows; not even begun when it has aborted. */
  async joined(
    uid: string,
    signal: AbortSignal,
    work: (cancel: AbortSignal) => Promise<DomainReport>,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    return await untilAborted(this.join(uid, work), signal);
  }

  /** Whether one is under way. */
  has(uid: string): boolean {
    return this.#starts.has(uid);
  }

  /** Makes the start of `uid`, if there is one, come to an end. */
  cancel(uid: string): void {
    this.#starts.get(uid)?.cancel.abort();
  }

  /** Resolves once the start of `uid` has ended, however. */
  async settled(uid: string): Promise<void> {
    await Promise.allSettled([this.#starts.get(uid)?.promise]);
  }

  /** Resolves once all have ended. */
  async allSettled(): Promise<void> {
    await Promise.allSettled(
      [...this.#starts.values()].map(({ promise }) => promise),
    );
  }
}
