/**
 * Moments, as people write them: a time, or how long ago.
 *
 * @module
 */
import { UsageError } from "../../usage.ts";
import { readDuration } from "../../quantity.ts";

/** A moment by its time in ISO 8601, or so long before `now`. */
export function readMoment(word: string, now: number): string {
  const time = /^\d{4}-/.test(word) ? Date.parse(word) : agoOf(word, now);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new UsageError(
    `"${word}" is no moment`,
    "write 2h for two hours ago, or 2026-11-26T12:00:00Z",
  );
}

function agoOf(word: string, now: number): number {
  try {
    return now - readDuration(word);
  } catch {
    return NaN;
  }
}
