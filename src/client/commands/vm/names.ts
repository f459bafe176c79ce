/**
 * The words of a command on VMs: names, and the arguments after them.
 *
 * Names, globs and id prefixes are the controller's to resolve. What can be
 * no name at all is refused here, before anything is sent.
 *
 * @module
 */
import { nearLabel } from "../../label.ts";
import { UsageError } from "../../usage.ts";

/** One part of a name or a glob; a set in brackets may hold anything. */
const PART = /(?:[a-z0-9*?]|\[[^\]]+\])(?:[a-z0-9*?-]|\[[^\]]+\])*/.source;
/** Behind a whole name the site's suffix may stand, of which only the controller knows. */
const PATTERN = new RegExp(`^${PART}(\\.${PART})*\\.?$`);
const ARG = /^([^=]+)=(.*)$/s;
const ARG_KEY = /^[A-Za-z0-9_.-]{1,64}$/;

/** What the words of a request say. */
export interface RequestWords {
  readonly names: string[];
  readonly args: Record<string, string>;
}

/** Splits words into names and `key=value` arguments. */
export function readRequestWords(words: readonly string[]): RequestWords {
  const names: string[] = [];
  const args: Record<string, string> = {};
  for (const word of words) {
    const [, key, value] = ARG.exec(word) ?? [];
    if (key === undefined || value === undefined) names.push(checkName(word));
    else args[checkKey(key, word)] = value;
  }
  if (names.length === 0) {
    throw new UsageError(
      "No VM is named: the words given are all arguments",
      "write the VMs' names before key=value",
    );
  }
  return { names, args };
}

function checkKey(key: string, word: string): string {
  if (ARG_KEY.test(key)) return key;
  throw new UsageError(
    `"${word}" is no argument: the key before = has letters, digits, _ . and -, 64 at most`,
    "write key=value, such as role=front",
  );
}

/** `word`, if it can be a name, a glob or the beginning of an id. */
export function checkName(word: string): string {
  if (PATTERN.test(word) && word.length <= MAX_NAME) return word;
  const meant = meantName(word);
  throw new UsageError(
    `"${word}" is no name of a VM: names have lower-case letters, digits and inner hyphens, in up to three parts (vm.cluster.user)`,
    meant === null
      ? "write web1, web1.lab or web1.lab.ann; a pattern has *, ? and [1-3]"
      : `did you mean "${meant}"?`,
  );
}

/** The longest name that a request takes. */
const MAX_NAME = 200;

/** The name that `word` would be without what no name has; null when there is none. */
function meantName(word: string): string | null {
  const plain = word.split(".").map(nearLabel).filter((part) => part !== "")
    .join(".");
  return PATTERN.test(plain) && plain.length <= MAX_NAME ? plain : null;
}
