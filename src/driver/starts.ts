/**
 * Starts under way: one of each domain, for all who asked for it; and what a stop
 * does to them. A shutdown lets a start come first, a power cut ends it.
 *
 * @module
 */
import type { DomainReport, StopOptions } from "./driver.ts";
import { type Turns, untilAborted } from "./turns.ts";

interface Start {
  readonly promise: Promise<DomainReport>;
  readonly cancel: AbortController;
}

/** How a driver stops one domain. */
export interface Stopping {
  /** Asks the guest. Throws `timed_out` when it does not obey. */
  shutDown(graceMs: number, signal: AbortSignal): Promise<DomainReport>;
  /** Cuts its power, in its turn. */
  cutPower(): Promise<void>;
  /** What is known of it then. */
  report(): DomainReport;
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

  /** See `Driver.stop`. */
  async stop(
    uid: string,
    { graceMs, signal }: StopOptions,
    its: Stopping,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    const start = this.#starts.get(uid);
    if (graceMs > 0) {
      // How that start ends is told to who asked for it.
      const ended = Promise.allSettled([start?.promise]);
      await untilAborted(ended, signal);
      return await its.shutDown(graceMs, signal);
    }
    start?.cancel.abort();
    await this.#turns.inTurn(uid, signal, () => its.cutPower());
    return its.report();
  }

  /** Resolves once all have ended. */
  async allSettled(): Promise<void> {
    await Promise.allSettled(
      [...this.#starts.values()].map(({ promise }) => promise),
    );
  }
}
