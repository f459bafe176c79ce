/**
 * Statistics of one registration's calls, since the controller started.
 *
 * Times are counted in buckets of a fixed number, each a fifth wider than the
 * one before: a handler that is called a million times takes no more memory
 * than one that is called once, and what is told is right within a tenth.
 *
 * @module
 */

const FIRST_MS = 0.01;
const GROWTH = 1.2;
const BUCKETS = 96;
const LOG_GROWTH = Math.log(GROWTH);

/** Counts times. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    this.#counts[bucketOf(ms)]! += 1;
    this.#total++;
  }

  /** The time that `share` of all stay below, within a tenth; null when there are none. */
  quantile(share: number): number | null {
    if (this.#total === 0) return null;
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return middleOf(bucket);
    }
    return middleOf(BUCKETS - 1);
  }
}

function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  const bucket = Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH);
  return Math.min(BUCKETS - 1, bucket);
}

function middleOf(bucket: number): number {
  const ms = FIRST_MS * GROWTH ** (bucket - 0.5);
  return Number(ms.toPrecision(3));
}

/** How the calls of one registration have gone. */
export class CallStats {
  readonly #times = new Histogram();
  calls = 0;
  failures = 0;
  refusals = 0;
  lastError: string | null = null;
  skipped = 0;
  lastSkippedAt: string | null = null;

  /** A call has ended, however it did. */
  ended(tookMs: number): void {
    this.calls++;
    this.#times.add(tookMs);
  }

  failed(why: string): void {
    this.failures++;
    this.lastError = why;
  }

  refused(): void {
    this.refusals++;
  }

  /** Its time came while it still ran. */
  passedOver(at: string): void {
    this.skipped++;
    this.lastSkippedAt = at;
  }

  /** As it is shown. */
  view() {
    const { calls, failures, refusals, lastError } = this;
    const { skipped, lastSkippedAt } = this;
    return {
      calls,
      failures,
      refusals,
      p50Ms: this.#times.quantile(0.5),
      p99Ms: this.#times.quantile(0.99),
      lastError,
      skipped,
      lastSkippedAt,
    };
  }
}
