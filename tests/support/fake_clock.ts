/**
 * A clock that moves only when a test says so.
 *
 * @module
 */
import type { Clock } from "../../src/sys/clock.ts";

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** A clock at a fixed moment until `advance` is called. */
export class FakeClock implements Clock {
  #now: number;
  readonly #start: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = this.#start = start;
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  boot(): number {
    return this.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        at: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", stop);
          resolve();
        },
      };
      const stop = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  after(ms: number, run: () => void): Disposable {
    const sleeper: Sleeper = {
      at: this.#now + ms,
      wake: () => {
        this.#sleepers.delete(sleeper);
        run();
      },
    };
    this.#sleepers.add(sleeper);
    return { [Symbol.dispose]: () => void this.#sleepers.delete(sleeper) };
  }

  /** Moves on by `ms`, waking each sleeper at its own moment, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#first(end); next !== null; next = this.#first(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  #first(end: number): Sleeper | null {
    let first: Sleeper | null = null;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at <= end && (first === null || sleeper.at < first.at)) {
        first = sleeper;
      }
    }
    return first;
  }
}

/** Lets everything that waits for no clock run its course. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
