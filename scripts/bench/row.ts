/**
 * A line of the benchmark: a figure, beside the floor measured in the same run.
 *
 * @module
 */

/** One figure. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work without usher, and what that was. */
  readonly floor?: number;
  readonly floorName?: string;
  /** `value` over `floor`. */
  readonly ratio?: number;
  readonly note?: string;
}

/** The middle of `values`. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1
    ? upper
    : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The `share` (0 to 1) of `values` that lies below the answer. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  ] ?? NaN;
}
