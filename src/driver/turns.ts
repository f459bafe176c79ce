/**
 * One thing at a time for each domain, and waits that can be given up without
 * giving up the work.
 *
 * @module
 */

/** Queues of work, one for each key; an empty queue takes no room. */
export class Turns {
  /** The end of each queue. */
  readonly #last = new Map<string, Promise<void>>();

  /** Does `work` after all earlier work on `key`, whatever came of that. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const turn = result.then(() => {}, () => {});
    this.#last.set(key, turn);
    void turn.then(() => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    });
    return result;
  }

  /** Likewise, waited for as long as `signal` allows; not even begun when it has aborted. */
  async inTurn<T>(
    key: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    return await untilAborted(this.take(key, work), signal);
  }
}

/** Waits for `work` as long as `signal` allows; the work itself goes on. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(signal.reason);
  const done = () => signal.removeEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  work.then(resolve, reject).then(done, done);
  return promise;
}
