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

/** How many changes are kept for those who come back. */
const KEPT = 50_000;

/** The newest changes. */
export class Changes {
  #ring: { change: Change; at: string }[] = [];
  /** The revision up to which changes are gone. */
  #lost: number;
  #newest: number;
  #wake = new Set<() => void>();
  readonly #stop: () => void;
  readonly #kept: number;

  constructor(records: Records, isoNow: () => string, kept = KEPT) {
    this.#kept = kept;
    this.#lost = records.revision;
    this.#newest = records.revision;
    this.#stop = records.subscribe((changes) => {
      const at = isoNow();
      for (const change of changes) {
        this.#ring.push({ change, at });
        this.#newest = Math.max(this.#newest, change.revision);
      }
      this.#trim();
      const waiting = this.#wake;
      this.#wake = new Set();
      for (const wake of waiting) wake();
    });
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
  after(
    revision: number,
    limit = 1000,
  ): readonly { change: Change; at: string }[] | null {
    if (revision < this.#lost) return null;
    const from = this.#firstAfter(revision);
    return this.#ring.slice(from, from + limit);
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

  #trim(): void {
    // In one go, once half as much again has piled up: trimming is linear.
    if (this.#ring.length < this.#kept * 1.5) return;
    const gone = this.#ring.splice(0, this.#ring.length - this.#kept);
    this.#lost = gone.at(-1)?.change.revision ?? this.#lost;
  }

  #firstAfter(revision: number): number {
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle]?.change.revision ?? 0) <= revision) {
        low = middle + 1;
      } else high = middle;
    }
    return low;
  }
}
