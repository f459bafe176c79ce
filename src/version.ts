/**
 * Which usher this is. The version is deno.json's (tests/lint keeps the two
 * equal); scripts/compile.ts writes the commit into the bundle.
 *
 * @module
 */

/** The version of usher, as in deno.json. */
export const VERSION = "0.1.0";

const stamp: string = "@usher-commit@";

/** The commit the executable was made from; null when run from the sources. */
export const COMMIT: string | null = stamp.startsWith("@") ? null : stamp;

/** One line for people: `usher 0.1.0 (1a2b3c4, Deno 2.6.10)`. */
export function describeVersion(runtime: string): string {
  return `usher ${VERSION} (${COMMIT ?? "from sources"}, Deno ${runtime})`;
}
