/**
 * The forms of output by name; for what reads such a name and prints nothing.
 *
 * @module
 */

/** The forms of output. */
export const FORMATS = [
  "table",
  "wide",
  "json",
  "ndjson",
  "yaml",
  "name",
] as const;
/** One of them. */
export type Format = typeof FORMATS[number];
