/**
 * Quantities: sizes and durations as people write them, numbers as usher
 * keeps them.
 *
 * Sizes are binary whatever the suffix says (`4G`, `4GB` and `4GiB` are the
 * same), since nobody means 4,000,000,000 bytes of memory; a bare number is
 * MiB. Durations need their unit, because a bare number would be a guess.
 *
 * @module
 */
import { z } from "zod";

const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?$/i;
const MIB_PER: Readonly<Record<string, number>> = {
  k: 1 / 1024,
  m: 1,
  g: 1024,
  t: 1024 * 1024,
};

const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The MiB in `text` (`512`, `4GiB`, `1.5G`), or null when it is no size. */
export function parseSizeMiB(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const value = Number(match[1]) *
    (MIB_PER[(match[2] ?? "m").toLowerCase()] ?? 1);
  return Number.isInteger(value) ? value : Math.ceil(value);
}

/** The milliseconds in `text` (`30s`, `1h30m`), or null when it is no duration. */
export function parseDurationMs(text: string): number | null {
  const trimmed = text.trim();
  if (!DURATION.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(DURATION_PART)) {
    total += Number(amount) * (MS_PER[unit ?? "ms"] ?? 1);
  }
  return Math.round(total);
}

/** `mib` MiB as people read it: `512 MiB`, `4 GiB`, `1.5 TiB`. */
export function formatMiB(mib: number): string {
  const [value, unit] = mib >= 1024 * 1024
    ? [mib / 1024 / 1024, "TiB"]
    : mib >= 1024
    ? [mib / 1024, "GiB"]
    : [mib, "MiB"];
  return `${Number(value.toFixed(1))} ${unit}`;
}

/** `ms` milliseconds as people read it: `80ms`, `42s`, `3m10s`, `2h5m`, `9d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m}m` : `${m}m${s % 60}s`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 === 0 ? `${h}h` : `${h}h${m % 60}m`;
  return `${Math.floor(h / 24)}d`;
}

/** A size in MiB: a whole number, or text such as `4GiB`. */
export const SizeMiB = z.union([
  z.int().nonnegative(),
  z.string().transform((text, context) => {
    const value = parseSizeMiB(text);
    if (value !== null) return value;
    context.addIssue({
      code: "custom",
      message:
        `"${text}" is no size: write a number with MiB, GiB or TiB, such as 512MiB or 4GiB`,
    });
    return z.NEVER;
  }),
]);

/** The memory of a VM in MiB. */
export const MemoryMiB = SizeMiB
  .refine((mib) => mib >= 16, "must be 16 MiB at least")
  .refine((mib) => mib <= 64 * 1024 * 1024, "must be 64 TiB at most");

const DAY_MS = 86_400_000;

/** The longest duration that is taken: every date made with it is one. */
const MAX_DURATION_DAYS = 3650;

/** A duration in milliseconds: text such as `30s`, or a number of ms. */
export const DurationMs = z.union([
  z.int().nonnegative(),
  z.string().transform((text, context) => {
    const value = parseDurationMs(text);
    if (value !== null) return value;
    context.addIssue({
      code: "custom",
      message:
        `"${text}" is no duration: write a number with its unit, such as 500ms, 30s, 5m or 2h`,
    });
    return z.NEVER;
  }),
])
  .refine(
    (ms) => ms <= MAX_DURATION_DAYS * DAY_MS,
    `must be ${MAX_DURATION_DAYS}d at most`,
  );

/** A duration that something waits for: a timer can, so it is short enough. */
export const WaitMs = DurationMs.refine(
  (ms) => ms <= 7 * DAY_MS,
  "must be 7d at most",
);
