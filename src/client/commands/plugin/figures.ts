/**
 * What the calls of a plugin come to, over all its events.
 *
 * @module
 */
import type { PluginView } from "../../../schema/plugin.ts";
import { NOTHING, took } from "../../render/format.ts";

/** Sums over the registrations of one plugin. */
export interface Figures {
  readonly calls: number;
  readonly failures: number;
  readonly refusals: number;
  /** Of the event that is called most. */
  readonly p50Ms: number | null;
  /** Of the slowest event. */
  readonly p99Ms: number | null;
  readonly lastError: string | null;
  /** Times of its clocks that came while its handler still ran. */
  readonly skipped: number;
  /** The worst of them. */
  readonly circuit: string;
}

/** The figures of a plugin. */
export function figuresOf({ registrations }: PluginView): Figures {
  const sum = (read: (one: PluginView["registrations"][number]) => number) =>
    registrations.reduce((all, one) => all + read(one), 0);
  const [busiest] = registrations.toSorted((a, b) => b.calls - a.calls);
  const slowest = registrations.flatMap(({ p99Ms }) => p99Ms ?? []);
  const circuits = new Set(registrations.map(({ circuit }) => circuit));
  return {
    calls: sum(({ calls }) => calls),
    failures: sum(({ failures }) => failures),
    refusals: sum(({ refusals }) => refusals),
    p50Ms: busiest?.p50Ms ?? null,
    p99Ms: slowest.length === 0 ? null : Math.max(...slowest),
    lastError: registrations.findLast(({ lastError }) => lastError !== null)
      ?.lastError ?? null,
    skipped: sum(({ skipped }) => skipped),
    circuit: circuits.has("open")
      ? "open"
      : circuits.has("trying")
      ? "trying"
      : circuits.size === 0
      ? NOTHING
      : "closed",
  };
}

/** Milliseconds of a call, which may be a fraction of one. */
export function callTime(ms: number | null): string {
  if (ms === null) return NOTHING;
  return ms < 10 ? `${ms.toFixed(2)}ms` : took(ms);
}
