/**
 * When a plugin that has ended is started again, and when no more.
 *
 * Pure. Few ends, far apart, cost a plugin nothing; many in a short time
 * mean that the next one would come as well.
 *
 * @module
 */

/** Ends longer ago than this are forgotten. */
export const MEMORY_MS = 60_000;
/** With so many ends within that time it is not started again. */
export const MAX_ENDS = 5;
const FIRST_WAIT_MS = 50;
const FACTOR = 4;
const MAX_WAIT_MS = 10_000;

/** When a plugin ended, as far as it matters. */
export type Ends = readonly number[];

/** What follows the end at `now`: how long to wait, or null to give up. */
export function afterEnd(
  before: Ends,
  now: number,
): { readonly ends: Ends; readonly waitMs: number | null } {
  const ends = [...before.filter((at) => now - at < MEMORY_MS), now];
  const waitMs = ends.length >= MAX_ENDS
    ? null
    : Math.min(FIRST_WAIT_MS * FACTOR ** (ends.length - 1), MAX_WAIT_MS);
  return { ends, waitMs };
}
