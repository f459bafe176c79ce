/**
 * A node's clock, as far as it is worth a word.
 *
 * @module
 */

/** Clocks that are apart by less are right. */
const APART_MS = 60_000;

/** What is wrong with a node's clock; null when nothing is, or it is not known. */
export function clockText(aheadMs: number | null): string | null {
  if (aheadMs === null || Math.abs(aheadMs) < APART_MS) return null;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  return `${minutes} min ${
    aheadMs > 0 ? "ahead of" : "behind"
  } the controller's: one of the two is wrong`;
}
