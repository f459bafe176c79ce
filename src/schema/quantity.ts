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
import { parseDurationMs, parseSizeMiB } from "./quantity_text.ts";
import { KINDS_OF_VALUE } from "./setting.ts";

export {
  formatDuration,
  formatMiB,
  parseDurationMs,
  parseSizeMiB,
} from "./quantity_text.ts";

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
]).register(KINDS_OF_VALUE, { kind: "size" });

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
  )
  .register(KINDS_OF_VALUE, { kind: "duration" });

/** A duration that something waits for: a timer can, so it is short enough. */
export const WaitMs = DurationMs.refine(
  (ms) => ms <= 7 * DAY_MS,
  "must be 7d at most",
);
