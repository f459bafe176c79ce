/**
 * The clock and waiting, as an interface, so that decisions take time as an
 * argument and tests (and later the simulator) can bring their own.
 *
 * @module
 */
import { JoinedSignal } from "./joined_signal.ts";

/** Where time comes from. */
export interface Clock {
  /** Milliseconds since 1970, UTC. May jump. */
  now(): number;
  /** Milliseconds of a clock that only goes forward. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
};

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    function stop() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** `ms` since 1970 as ISO 8601 in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A deadline that can be taken back, so that no timer outlives its wait. */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #joined: JoinedSignal;

  /** Aborts after `ms`, or when `parent` does; `what` goes into the reason. */
  constructor(ms: number, what: string, parent?: AbortSignal) {
    const controller = new AbortController();
    this.#timer = setTimeout(
      () =>
        controller.abort(
          new DOMException(`No ${what} within ${ms} ms`, "TimeoutError"),
        ),
      ms,
    );
    this.#joined = new JoinedSignal(
      controller.signal,
      ...(parent === undefined ? [] : [parent]),
    );
    this.signal = this.#joined.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#joined[Symbol.dispose]();
  }
}
