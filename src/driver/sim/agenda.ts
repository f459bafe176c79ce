/**
 * What is due when: one sleeper for any number of moments.
 *
 * A binary heap by time. Entries are never removed early; whoever is woken
 * looks whether anything is left to do, so a stale entry costs one look.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";

/** Timers hold no more than 31 bits; longer waits are slept in parts. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** A reason that costs nothing: without one an error is made each time. */
const REPLACED = "another moment comes first";

interface Entry {
  readonly at: number;
  readonly key: string;
}

/** Calls `wake(key)` when a key is due, in order of time. */
export class Agenda implements Disposable {
  readonly #clock: Clock;
  readonly #wake: (key: string) => void;
  readonly #heap: Entry[] = [];
  #sleep: AbortController | null = null;
  #closed = false;

  constructor(clock: Clock, wake: (key: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Wakes `key` at `at`, milliseconds since 1970. */
  add(at: number, key: string): void {
    if (this.#closed) return;
    this.#push({ at, key });
    if (this.#heap[0]?.at === at) this.#arm();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#sleep?.abort();
    this.#heap.length = 0;
  }

  #arm(): void {
    this.#sleep?.abort(REPLACED);
    const first = this.#heap[0];
    if (first === undefined || this.#closed) return;
    const sleep = this.#sleep = new AbortController();
    const ms = Math.min(
      Math.max(0, first.at - this.#clock.now()),
      LONGEST_SLEEP_MS,
    );
    this.#clock.sleep(ms, sleep.signal).then(() => this.#ring(sleep), () => {});
  }

  #ring(sleep: AbortController): void {
    if (this.#sleep !== sleep || this.#closed) return;
    const now = this.#clock.now();
    for (
      let first = this.#heap[0];
      first !== undefined && first.at <= now;
      first = this.#heap[0]
    ) {
      this.#pop();
      this.#wake(first.key);
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.at <= entry.at) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) {
        child++;
      }
      if (heap[child]!.at >= last.at) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}
