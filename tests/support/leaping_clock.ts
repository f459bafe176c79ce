/**
 * The machine's clock, which a test may set, or let leap: roles that run for
 * real, with links that live, find that it is later.
 *
 * To set it moves the time of day alone, as an administrator does; a leap moves
 * all that is waited for, too, as far as it goes.
 *
 * @module
 */
import { type Clock, systemClock } from "../../src/sys/clock.ts";

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export class LeapingClock implements Clock {
  #ahead = 0;
  #leapt = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#leapt;
  }

  boot(): number {
    return systemClock.boot() + this.#leapt;
  }

  after(ms: number, run: () => void): Disposable {
    const ring = () => {
      end();
      run();
    };
    const real = systemClock.after(ms, ring);
    const timer = { at: this.monotonic() + ms, ring };
    const end = () => {
      real[Symbol.dispose]();
      this.#timers.delete(timer);
    };
    this.#timers.add(timer);
    return { [Symbol.dispose]: end };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        timer[Symbol.dispose]();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** The time of day is later; nothing that is waited for is nearer. */
  set(ms: number): void {
    this.#ahead += ms;
  }

  /** It is later: what was due meanwhile happens now, in order. */
  leap(ms: number): void {
    this.#ahead += ms;
    this.#leapt += ms;
    const now = this.monotonic();
    const due = [...this.#timers].filter(({ at }) => at <= now)
      .toSorted((a, b) => a.at - b.at);
    for (const timer of due) {
      if (this.#timers.has(timer)) timer.ring();
    }
  }
}
