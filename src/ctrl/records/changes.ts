/**
 * The change stream's memory: the newest changes, and who waits for more.
 *
 * A watcher reads from this ring at its own pace. One that falls so far
 * behind that its next change is gone is cut off and told to come back, so a
 * slow reader costs nothing but itself.
 *
 * @module
 */
import type { Change, Records } from "./records.ts";

/** A change as it is kept. */
interface Kept {
  readonly change: Change;
  readonly at: string;
}

/** The newest changes. */
export class Changes {
  /** A change stands at its number, modulo how many are kept. */
  #ring: Kept[] = [];
  /** How many there ever were. */
  #numbers = 0;
  /** The revision up to which changes are gone. */
  #lost: number;
  #newest: number;
  #wake = new Set<() => void>();
  readonly #stop: () => void;
  #kept: number;

  /** Keeps the newest `kept` changes for those who come back, and not one more. */
  constructor(records: Records, isoNow: () => string, kept: number) {
    this.#kept = kept;
    this.#lost = records.revision;
    this.#newest = records.revision;
    this.#stop = records.subscribe((changes) => {
      const at = isoNow();
      for (const change of changes) {
        this.#keep({ change, at });
        this.#newest = Math.max(this.#newest, change.revision);
      }
      const waiting = this.#wake;
      this.#wake = new Set();
      for (const wake of waiting) wake();
    });
  }

  /** Keeps so many from now on, of those that there are the newest. */
  resize(kept: number): void {
    if (kept === this.#kept) return;
    const count = Math.min(kept, this.#ring.length);
    const gone = this.#ring.length - count;
    const first = this.#numbers - count;
    const newest = Array.from(
      { length: count },
      (_, i) => this.#at(first + i)!,
    );
    if (gone > 0) this.#lost = this.#at(first - 1)!.change.revision;
    this.#kept = kept;
    this.#ring = newest;
    // A change stands at its number: those that are left begin again at 0.
    this.#numbers = count;
  }

  /** The revision of the newest durable change. */
  get newest(): number {
    return this.#newest;
  }

  /** Whether everything after `revision` is still here. */
  reaches(revision: number): boolean {
    return revision >= this.#lost && revision <= this.#newest;
  }

  /** Changes after `revision`, at most `limit`; null when some are gone. */
  after(revision: number, limit = 1000): readonly Kept[] | null {
    if (revision < this.#lost) return null;
    const from = this.#firstAfter(revision);
    const count = Math.max(0, Math.min(limit, this.#numbers - from));
    return Array.from({ length: count }, (_, i) => this.#at(from + i)!);
  }

  /** Resolves at the next change, or when `signal` aborts. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wake.delete(wake);
        resolve();
      };
      this.#wake.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  close(): void {
    this.#stop();
    for (const wake of this.#wake) wake();
  }

  #keep(one: Kept): void {
    const place = this.#numbers++ % this.#kept;
    this.#lost = this.#ring[place]?.change.revision ?? this.#lost;
    this.#ring[place] = one;
  }

  #at(number: number): Kept | undefined {
    return this.#ring[number % this.#kept];
  }

  #firstAfter(revision: number): number {
    let low = this.#numbers - this.#ring.length;
    let high = this.#numbers;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#at(middle)?.change.revision ?? 0) <= revision) {
        low = middle + 1;
      } else high = middle;
    }
    return low;
  }
}
