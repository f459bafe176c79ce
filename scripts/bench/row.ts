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
  /** The same work without usher, or by a rival, and what that was. */
  readonly floor?: number;
  readonly floorName?: string;
  /** `value` over `floor`. */
  readonly ratio?: number;
  readonly note?: string;
}

/** A figure with what it is held against. */
export function beside(
  row: Omit<Row, "floor" | "floorName" | "ratio">,
  floorName: string,
  floor: number,
): Row {
  return { ...row, floor, floorName, ratio: row.value / floor };
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

/** Milliseconds that `work` takes. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Milliseconds of each of `times` runs of `work`, one after another. */
export async function timed(
  times: number,
  work: (i: number) => Promise<unknown>,
): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push(await time(() => work(i)));
  return all;
}
