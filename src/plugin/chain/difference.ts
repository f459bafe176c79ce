/**
 * What a handler changed, in words: `set spec.memoryMiB to 512`.
 *
 * It stands in the trail of every operation that the request becomes, so it
 * is one short line whatever the handler did.
 *
 * @module
 */
import { type Args, sameJson } from "./answer.ts";
import { plainText } from "../failure.ts";

/** The most changes that are named one by one. */
const MAX_NAMED = 8;
/** The longest value that is shown, and the longest path. */
const MAX_VALUE = 60;
const MAX_PATH = 100;
/** Below it a value is told as a whole. */
const MAX_DEPTH = 6;

/** The differences between two lists of arguments; empty when there are none. */
export function differences(before: Args, after: Args): string[] {
  const found: string[] = [];
  for (const [i, value] of after.entries()) {
    // One argument needs no name: its keys say where.
    collect(before[i], value, after.length === 1 ? [] : [String(i + 1)], found);
  }
  if (found.length <= MAX_NAMED) return found;
  return [
    ...found.slice(0, MAX_NAMED),
    `changed ${found.length - MAX_NAMED} more`,
  ];
}

function collect(
  before: unknown,
  after: unknown,
  path: readonly string[],
  found: string[],
): void {
  if (sameJson(before, after)) return;
  if (!isRecord(before) || !isRecord(after) || path.length >= MAX_DEPTH) {
    const where = cut(path.join("."), MAX_PATH) || "it";
    const what = after === undefined
      ? `removed ${where}`
      : `set ${where} to ${cut(JSON.stringify(after), MAX_VALUE)}`;
    found.push(plainText(what));
    return;
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of keys) {
    collect(before[key], after[key], [...path, key], found);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
