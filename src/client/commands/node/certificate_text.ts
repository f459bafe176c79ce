/**
 * The certificate that other nodes know a node by, as far as it is worth a word.
 *
 * @module
 */

const DAY_MS = 86_400_000;

/** A node renews its own before that. */
const NEAR_MS = 29 * DAY_MS;

/** What is wrong with a node's certificate; null when nothing is, or it has none. */
export function certificateText(
  endsAt: string | null,
  now: number,
): string | null {
  if (endsAt === null) return null;
  const leftMs = Date.parse(endsAt) - now;
  if (leftMs > NEAR_MS) return null;
  const when = leftMs <= 0
    ? `has expired: it ended at ${endsAt}`
    : `ends at ${endsAt}`;
  return `${when}; it should have been renewed, the node's log says why it was not`;
}
