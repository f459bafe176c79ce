/**
 * One object for people: labels on the left, values on the right.
 *
 * @module
 */
import { printable } from "./table.ts";

/** A label with its value; values that are null or empty are left out. */
export type Fact = readonly [label: string, value: string | number | null];

/** `facts` as lines, the values in one column. */
export function renderFacts(facts: readonly Fact[]): string {
  const shown = facts.filter(([, value]) => value !== null && value !== "");
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return shown.map(([label, value]) =>
    `${label.padEnd(width)}  ${printable(String(value))}\n`
  ).join("");
}
