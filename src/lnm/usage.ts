/**
 * From counters to usage: exponentially damped averages of 1, 5 and 15
 * minutes, as a machine's load average has them.
 *
 * Samples may come at any interval. Each average is a mean of all rates seen,
 * weighted by how long ago they were: after the first interval it is that
 * interval's rate, and not a small part of it. A counter that goes back was
 * started anew, and so were all others of that domain. Time is an argument.
 *
 * @module
 */
import type { Load, VmUsage } from "../schema/vm.ts";
import type { Counters } from "../sys/counters.ts";

const RATES = {
  cpu: "cpuSeconds",
  diskRead: "diskReadBytes",
  diskWrite: "diskWriteBytes",
  netRx: "netRxBytes",
  netTx: "netTxBytes",
} as const satisfies Partial<Record<keyof VmUsage, keyof Counters>>;

type RateName = keyof typeof RATES;
const RATE_NAMES = Object.keys(RATES) as RateName[];

/** The time after which a rate has lost all but a part 1/e of its weight. */
const SPAN_MS = { m1: 60_000, m5: 300_000, m15: 900_000 } as const;
const SPANS = Object.keys(SPAN_MS) as (keyof Load)[];

/** A damped mean. */
interface Mean {
  sum: number;
  weight: number;
}

/** The averages of one rate; null before the first. */
class DampedRate {
  readonly #means: Record<keyof Load, Mean> = {
    m1: { sum: 0, weight: 0 },
    m5: { sum: 0, weight: 0 },
    m15: { sum: 0, weight: 0 },
  };

  /** Takes in that the rate was `perSecond` for `ms`. */
  add(perSecond: number, ms: number): void {
    for (const span of SPANS) {
      const mean = this.#means[span];
      const kept = Math.exp(-ms / SPAN_MS[span]);
      mean.sum = mean.sum * kept + perSecond * (1 - kept);
      mean.weight = mean.weight * kept + (1 - kept);
    }
  }

  /** The averages, in steps of `step`. */
  load(step: number): Load {
    const { m1, m5, m15 } = this.#means;
    return { m1: value(m1, step), m5: value(m5, step), m15: value(m15, step) };
  }
}

function value({ sum, weight }: Mean, step: number): number {
  const steps = Math.round(sum / weight / step);
  // Dividing by a whole number keeps 0.3 from becoming 0.30000000000000004.
  return step < 1 ? steps / Math.round(1 / step) : steps * step;
}

/** The usage of one domain, or of one machine. */
export class UsageMeter {
  readonly #rates: Partial<Record<RateName, DampedRate>> = {};
  #last: Counters | null = null;
  #lastMs = 0;

  /** Takes in `counters` as they were at `nowMs`, of a clock that only goes forward. */
  add(nowMs: number, counters: Counters): void {
    const { before, ms } = { before: this.#last, ms: nowMs - this.#lastMs };
    if (before !== null && ms <= 0) return;
    this.#last = counters;
    this.#lastMs = nowMs;
    if (before === null) return;
    const anew = RATE_NAMES.some((name) =>
      wentBack(before[RATES[name]], counters[RATES[name]])
    );
    for (const name of RATE_NAMES) {
      this.#addRate(
        name,
        anew ? 0 : before[RATES[name]],
        counters[RATES[name]],
        ms,
      );
    }
  }

  /** What is used; a rate is null until two samples told it. */
  usage(): VmUsage {
    return {
      cpu: this.#rates.cpu?.load(0.001) ?? null,
      memoryMiB: this.#last?.memoryMiB ?? null,
      diskRead: this.#rates.diskRead?.load(1) ?? null,
      diskWrite: this.#rates.diskWrite?.load(1) ?? null,
      netRx: this.#rates.netRx?.load(1) ?? null,
      netTx: this.#rates.netTx?.load(1) ?? null,
    };
  }

  #addRate(
    name: RateName,
    before: number | null,
    now: number | null,
    ms: number,
  ): void {
    if (before === null || now === null) return;
    (this.#rates[name] ??= new DampedRate()).add(
      1000 * (now - before) / ms,
      ms,
    );
  }
}

function wentBack(before: number | null, now: number | null): boolean {
  return before !== null && now !== null && now < before;
}

/** The usage of every domain of a node, by uid. */
export class DomainUsage {
  readonly #meters = new Map<string, UsageMeter>();

  /** Takes in all counters of one moment; a domain that is not among them is forgotten. */
  update(nowMs: number, counters: ReadonlyMap<string, Counters>): void {
    for (const uid of this.#meters.keys()) {
      if (!counters.has(uid)) this.#meters.delete(uid);
    }
    for (const [uid, its] of counters) {
      const meter = this.#meters.get(uid) ?? new UsageMeter();
      this.#meters.set(uid, meter);
      meter.add(nowMs, its);
    }
  }

  /** The usage of one domain; null when it is not known to run. */
  of(uid: string): VmUsage | null {
    return this.#meters.get(uid)?.usage() ?? null;
  }

  /** The usage of every domain that runs. */
  all(): Map<string, VmUsage> {
    return new Map(
      [...this.#meters].map(([uid, meter]) => [uid, meter.usage()]),
    );
  }
}
