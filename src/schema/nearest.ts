/**
 * The nearest known word: what a person probably meant by an unknown one.
 *
 * The distance is Damerau-Levenshtein's in its restricted form (each letter
 * takes part in one edit): insertions, deletions, replacements and swaps of
 * neighbours count one each. A suggestion must be near in proportion to the
 * word's length, since a far-fetched one is worse than none.
 *
 * @module
 */

/** The edits between `a` and `b`; any number above `limit` when there are more. */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = cheapest(a, b, i, j, row, last, beforeLast);
    }
    if (Math.min(...row) > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

function cheapest(
  a: string,
  b: string,
  i: number,
  j: number,
  row: readonly number[],
  last: readonly number[],
  beforeLast: readonly number[],
): number {
  const same = a[i - 1] === b[j - 1];
  const cost = Math.min(
    (last[j] ?? 0) + 1,
    (row[j - 1] ?? 0) + 1,
    (last[j - 1] ?? 0) + (same ? 0 : 1),
  );
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] &&
    a[i - 2] === b[j - 1];
  return swapped ? Math.min(cost, (beforeLast[j - 2] ?? 0) + 1) : cost;
}

/** The most edits at which a word of `length` letters is still recognised. */
function tolerance(length: number): number {
  return length <= 2 ? 1 : length <= 5 ? 2 : 3;
}

/**
 * The candidate nearest to `word`, or null when none is near.
 *
 * Letter case does not count. Of equally near ones the first wins, and one
 * that `word` is the beginning of counts as near whatever its length.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
): string | null {
  const wanted = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = tolerance(wanted.length) + 1;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const begins = wanted.length >= 3 && known.startsWith(wanted);
    const distance = begins
      ? Math.min(1.5, bestDistance)
      : editDistance(wanted, known, bestDistance);
    // A word that shares no letter with the candidate is not a slip of it.
    if (distance < bestDistance && distance < known.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "NEAREST"?` for a message, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === null ? "" : `did you mean "${found}"?`;
}
