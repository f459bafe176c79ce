/**
 * Names of one part, as flags and words give them: of users, nodes, accounts.
 *
 * @module
 */
import { UsageError } from "./usage.ts";

/** schema/name.ts has the same rule, and is not loaded for it. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A reader of names of `what`; throws UsageError for what can be none, with what is near. */
export function labelOf(what: string): (word: string) => string {
  return (word) => {
    if (LABEL.test(word)) return word;
    const meant = nearLabel(word);
    throw new UsageError(
      `"${word}" is no name of a ${what}: it needs lower-case letters, digits and inner hyphens, 63 at most`,
      LABEL.test(meant)
        ? `did you mean "${meant}"?`
        : "write a name such as n7",
    );
  };
}

/** `word` without what no label has; it may still be none. */
export function nearLabel(word: string): string {
  return word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[\s_/:,@+.]+/g, "-").replace(/^-+|-+$/g, "");
}
