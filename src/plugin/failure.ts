/**
 * What a plugin said, as errors and lines of usher.
 *
 * Its words reach terminals and logs of people who do not know it: they are
 * cut, kept on one line, and lose what would move a cursor.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { PluginLine } from "./runner.ts";

const MAX_REASON = 1000;
const MAX_LINE = 4000;
const MAX_FIELDS = 8000;

/** Controls, ends of lines, and what turns the direction of writing. */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** Text of a stranger, fit to be shown. */
export function plainText(text: unknown, max = MAX_REASON): string {
  const whole = String(text).slice(0, max + 1).replace(UNSHOWN, " ").trim();
  return whole.length > max ? `${whole.slice(0, max)}…` : whole;
}

/** A handler said no. */
export function refusedBy(
  plugin: string,
  reason: string,
  hint: string | null,
): UsherError {
  const why = plainText(reason).replace(/\.$/, "");
  return new UsherError(
    "refused",
    `Plugin "${plugin}" refuses: ${why || "no"}`,
    {
      subject: plugin,
      hint: hint === null ? undefined : plainText(hint),
    },
  );
}

/** A handler did not do what it should. */
export function failedBy(
  plugin: string,
  event: string,
  why: string,
): UsherError {
  return new UsherError(
    "plugin_failed",
    `Plugin "${plugin}" failed on "${event}": ${plainText(why)}`,
    { subject: plugin },
  );
}

/** It did not answer in time. */
export function lateBy(
  plugin: string,
  event: string,
  deadlineMs: number,
): UsherError {
  return failedBy(plugin, event, `no answer within ${deadlineMs} ms`);
}

/** A line as it may be logged; its fields only as far as they are bounded. */
export function boundedLine(line: PluginLine): PluginLine {
  const fields = JSON.stringify(line.fields);
  return {
    ...line,
    text: plainText(line.text, MAX_LINE),
    fields: fields.length > MAX_FIELDS ? { cut: true } : line.fields,
  };
}
