/**
 * Values as a table shows them: short, one unit, the same width class.
 *
 * @module
 */
import type { Load } from "../../schema/vm.ts";

/** What stands where nothing is known. */
export const NOTHING = "-";

const SECOND = 1000;
const UNITS: readonly (readonly [size: number, suffix: string])[] = [
  [86_400 * SECOND, "d"],
  [3600 * SECOND, "h"],
  [60 * SECOND, "m"],
  [SECOND, "s"],
];

/** How long ago `iso` was, in its largest unit: `42s`, `3h`, `9d`. */
export function age(iso: string | null, now: number): string {
  const ms = iso === null ? NaN : now - Date.parse(iso);
  if (Number.isNaN(ms)) return NOTHING;
  for (const [size, suffix] of UNITS) {
    if (ms >= size) return `${Math.floor(ms / size)}${suffix}`;
  }
  return "0s";
}

/** How long something took: `80ms`, `1.4s`, `42s`, `3m`. */
export function took(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)}s`;
  const [size, suffix] = UNITS.find(([size]) => ms >= 2 * size) ??
    [SECOND, "s"];
  return `${Math.round(ms / size)}${suffix}`;
}

/** A share as whole percents: `87%`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** MiB in its largest whole unit: `256M`, `1.5G`, `2T`. */
export function memory(mib: number | null): string {
  return mib === null ? NOTHING : bytes(mib * 1024 * 1024);
}

/** Bytes with a binary suffix: `0`, `512`, `12K`, `1.5G`. */
export function bytes(count: number | null): string {
  if (count === null) return NOTHING;
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < 4) [value, unit] = [value / 1024, unit + 1];
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return `${Number(value.toFixed(digits))}${["", "K", "M", "G", "T"][unit]}`;
}

/** Processors busy in the last minute: `0.25`, `3.1`. */
export function cpu(load: Load | null | undefined): string {
  if (!load) return NOTHING;
  return load.m1 < 10 ? load.m1.toFixed(2) : load.m1.toFixed(0);
}

/** Bytes a second in the last minute. */
export function rate(load: Load | null | undefined): string {
  return load ? bytes(Math.round(load.m1)) : NOTHING;
}
