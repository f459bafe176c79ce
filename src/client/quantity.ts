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

/** schema/quantity.ts says the same. */
const LEAST_MEMORY_MIB = 16;

/** The MiB of a guest's memory. */
export function readMemoryMiB(word: string): number {
  const mib = readSizeMiB(word);
  if (mib >= LEAST_MEMORY_MIB) return mib;
  throw new UsageError(
    `"${word}" is too little memory: a guest has ${LEAST_MEMORY_MIB} MiB at least`,
    "write 512MiB or 4GiB",
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

const RATE = /\s*\/\s*s(?:ec)?$/i;
const AMOUNT = /^(\d+(?:\.\d+)?)\s*([kmg])i?b?$/i;
const PER: Readonly<Record<string, number>> = {
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};
/** schema/migrate.ts says the same. */
const LEAST_BANDWIDTH = 64 * 1024;

/** The bytes a second of `100MiB/s`; a number without a unit would be a guess. */
export function readBandwidth(word: string): number {
  const [, amount, unit = ""] = AMOUNT.exec(word.trim().replace(RATE, "")) ??
    [];
  const bytes = Math.round(Number(amount) * (PER[unit.toLowerCase()] ?? NaN));
  if (bytes >= LEAST_BANDWIDTH) return bytes;
  throw new UsageError(
    `"${word}" is no bandwidth`,
    "write how much in a second, 64KiB/s at least, such as 100MiB/s or 1GiB/s",
  );
}
