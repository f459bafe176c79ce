/**
 * What zod says by itself of a value that is wrong, in words that fit what
 * people write: YAML and the command line.
 *
 * Its own words are matched, since an issue has no more than them once it has
 * crossed from a plugin's process. What does not match is left as it is, and
 * whoever wrote a message of their own is not touched.
 *
 * @module
 */

/** What kinds of values are called in YAML. */
const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  object: "keys with values",
  record: "keys with values",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  null: "nothing",
  undefined: "missing",
};

/** What zod says by itself, as people say it; everything else as it is. */
export function inWords(message: string): string {
  const [, wanted, given] =
    /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? [];
  if (wanted !== undefined && given !== undefined) {
    return `must be ${KINDS[wanted] ?? wanted}, and is ${
      KINDS[given] ?? given
    }`;
  }
  const [, literal] = /^Invalid input: expected "(.*)"$/.exec(message) ?? [];
  if (literal !== undefined) return `must be ${literal}`;
  const [, options] = /^Invalid option: expected one of (.*)$/.exec(message) ??
    [];
  if (options !== undefined) {
    return `must be one of ${
      options.split("|").map((it) => it.replaceAll('"', "")).join(", ")
    }`;
  }
  const [, side, bound] =
    /^Too (big|small): expected \w+ to be [<>]=(-?[\d.]+)$/.exec(message) ?? [];
  if (bound !== undefined) {
    return `must be ${bound} at ${side === "big" ? "most" : "least"}`;
  }
  const [, end, count, what] =
    /^Too (big|small): expected \w+ to have [<>]=(\d+) (\w+)$/.exec(message) ??
      [];
  return count === undefined
    ? message
    : `must have ${count} ${what} at ${end === "big" ? "most" : "least"}`;
}
