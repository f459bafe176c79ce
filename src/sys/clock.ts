/**
 * The clock and waiting, as an interface, so that whoever decides or waits takes
 * time as an argument, and tests and the simulator can bring their own.
 *
 * @module
 */
import { readTextOrNullSync } from "./file.ts";
import { JoinedSignal } from "./joined_signal.ts";
import { sleep } from "./sleep.ts";

/** Where time comes from. */
export interface Clock {
  /** Milliseconds since 1970, UTC. May jump. */
  now(): number;
  /** Milliseconds of a clock that only goes forward. */
  monotonic(): number;
  /**
   * Milliseconds since the machine booted, the time that it was suspended
   * included, and the same in every process of it.
   */
  boot(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms`, in a turn of its own; disposing of the result prevents it. */
  after(ms: number, run: () => void): Disposable;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  boot: bootTime,
  sleep,
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** From /proc/uptime, which counts CLOCK_BOOTTIME (proc(5)); of 10 ms each. */
function bootTime(): number {
  const uptime = readTextOrNullSync("/proc/uptime")?.split(" ")[0];
  return uptime === undefined ? performance.now() : Number(uptime) * 1000;
}

/** `ms` since 1970 as ISO 8601 in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A deadline that can be taken back, so that no timer outlives its wait. */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #arm: () => Disposable;
  #timer: Disposable;
  readonly #joined: JoinedSignal;

  /** Aborts after `ms` of `clock`, or when `parent` does; `what` goes into the reason. */
  constructor(clock: Clock, ms: number, what: string, parent?: AbortSignal) {
    const controller = new AbortController();
    this.#arm = () =>
      clock.after(
        ms,
        () =>
          controller.abort(
            new DOMException(`No ${what} within ${ms} ms`, "TimeoutError"),
          ),
      );
    this.#timer = this.#arm();
    this.#joined = new JoinedSignal(
      controller.signal,
      ...(parent === undefined ? [] : [parent]),
    );
    this.signal = this.#joined.signal;
  }

  /** Begins anew: something came that shows life. */
  renew(): void {
    this.#timer[Symbol.dispose]();
    if (!this.signal.aborted) this.#timer = this.#arm();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#joined[Symbol.dispose]();
  }
}
