/**
 * Ordinal numbers, as people write them.
 *
 * @module
 */

/** `1` as `1st`. */
export function ordinal(value: number): string {
  const isTeen = value % 100 >= 11 && value % 100 <= 13;
  const endings: Readonly<Record<number, string>> = {
    1: "st",
    2: "nd",
    3: "rd",
  };
  return `${value}${isTeen ? "th" : endings[value % 10] ?? "th"}`;
}
