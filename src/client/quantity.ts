/**
 * Durations and sizes as flags give them. The rules are schema/quantity_text.ts's;
 * these say what is wrong with the rest.
 *
 * @module
 */
import { UsageError } from "./usage.ts";
import { parseDurationMs, parseSizeMiB } from "../schema/quantity_text.ts";

/** The milliseconds of `30s`. */
export function readDuration(word: string): number {
  const ms = parseDurationMs(word);
  if (ms !== null) return ms;
  throw new UsageError(
    `"${word}" is no duration`,
    "write a number with its unit, such as 500ms, 30s, 5m or 2h",
  );
}

/** The MiB of `4GiB`. */
export function readSizeMiB(word: string): number {
  const mib = parseSizeMiB(word);
  if (mib !== null) return mib;
  throw new UsageError(
    `"${word}" is no size`,
    "write a number with its unit, such as 512MiB, 4GiB or 1.5T",
  );
}

const BYTES = /^(\d+)\s*([km])?(?:i?b)?$/i;

/** The bytes of `64K`; a bare number is bytes. */
export function readBytes(word: string): number {
  const match = BYTES.exec(word.trim());
  if (match === null) {
    throw new UsageError(
      `"${word}" is no number of bytes`,
      "write a number, or one with K or M, such as 64K",
    );
  }
  const unit = { k: 1024, m: 1024 * 1024 }[(match[2] ?? "").toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}
