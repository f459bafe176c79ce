/**
 * The words of a command on VMs: names, and the arguments after them.
 *
 * Names, globs and id prefixes are the controller's to resolve. What can be
 * no name at all is refused here, before anything is sent.
 *
 * @module
 */
import { UsageError } from "../../usage.ts";

/** One part of a name or a glob; a set in brackets may hold anything. */
const PART = /(?:[a-z0-9*?]|\[[^\]]+\])(?:[a-z0-9*?-]|\[[^\]]+\])*/.source;
const PATTERN = new RegExp(`^${PART}(\\.${PART}){0,2}$`);
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
  );
}

/** `word`, if it can be a name, a glob or the beginning of an id. */
export function checkName(word: string): string {
  if (PATTERN.test(word) && word.length <= 200) return word;
  const lower = word.toLowerCase();
  throw new UsageError(
    `"${word}" is no name of a VM: names have lower-case letters, digits and inner hyphens, in up to three parts (vm.cluster.user)`,
    lower !== word && PATTERN.test(lower)
      ? `did you mean "${lower}"?`
      : undefined,
  );
}
