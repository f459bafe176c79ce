/**
 * Virtual time: a queue of what is due, and processes that wait in it.
 *
 * Nothing passes while code runs; time jumps from one event to the next. What
 * is due at the same moment goes in an order drawn from the seed, and every
 * timer is a little late, as real ones are, so that each seed tries another
 * interleaving. A process that was killed never wakes again, whatever it
 * waited for; one that is stopped wakes when it goes on.
 *
 * @module
 */
import type { Clock } from "../sys/clock.ts";
import type { Random } from "./random.ts";

/** The moment at which every simulation begins: 2026-01-01. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** How late a timer may be, in ms. */
const LATE_MS = 2;

interface Entry {
  at: number;
  readonly tie: number;
  readonly process: Process;
  run: (() => void) | null;
}

/** Everything that is due, in order. */
export class VirtualClock {
  /** Milliseconds since the simulation began. */
  elapsed = 0;
  readonly #random: Random;
  readonly #heap: Entry[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Calls `run` in `process` after `ms`. */
  add(process: Process, ms: number, run: () => void): Disposable {
    const late = this.#random.next() * LATE_MS;
    const entry: Entry = {
      at: this.elapsed + Math.max(0, ms) + late,
      tie: this.#random.next(),
      process,
      run,
    };
    this.#push(entry);
    return { [Symbol.dispose]: () => void (entry.run = null) };
  }

  /**
   * Goes to the next event that is due before `end` and lets it happen; false
   * when there is none, and then it is `end`.
   */
  step(end: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > end) {
        this.elapsed = Math.max(this.elapsed, end);
        return false;
      }
      this.#pop();
      const { process, run } = first;
      if (run === null || process.isDead) continue;
      if (process.stoppedUntil > first.at) {
        first.at = process.stoppedUntil;
        this.#push(first);
        continue;
      }
      this.elapsed = Math.max(this.elapsed, first.at);
      first.run = null;
      run();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) {
        child++;
      }
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/** One process, and the clock that it sees. */
export class Process implements Clock {
  readonly #clock: VirtualClock;
  /** How far its machine's idea of the date is off, in ms. */
  readonly #skewMs: number;
  #killed = false;
  /** Until when it does nothing, in ms of the simulation. */
  stoppedUntil = 0;

  constructor(clock: VirtualClock, skewMs = 0) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  /** Whether it was killed. */
  get isDead(): boolean {
    return this.#killed;
  }

  /** Ends it at once: nothing that it waits for ever happens. */
  kill(): void {
    this.#killed = true;
  }

  /** Stops it for `ms`, as SIGSTOP does. */
  stop(ms: number): void {
    this.stoppedUntil = Math.max(this.stoppedUntil, this.#clock.elapsed + ms);
  }

  now(): number {
    return EPOCH_MS + Math.floor(this.#clock.elapsed) + this.#skewMs;
  }

  monotonic(): number {
    return this.#clock.elapsed;
  }

  boot(): number {
    return this.#clock.elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      function stop() {
        timer[Symbol.dispose]();
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  after(ms: number, run: () => void): Disposable {
    return this.#clock.add(this, ms, run);
  }
}
