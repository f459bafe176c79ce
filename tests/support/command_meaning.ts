/**
 * What a command line of a document asks for, read as the client reads it.
 *
 * @module
 */
import type { Command } from "../../src/client/command.ts";
import { findEntry } from "../../src/client/commands/index.ts";
import { parseCommand } from "../../src/client/parse.ts";
import { splitWords } from "./shell_words.ts";

/** What the words after `usher` mean. */
export interface Meaning {
  /** `vm start`. */
  readonly name: string;
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/** The words after an `usher` that is a command, up to the end of that one. */
const COMMAND = /(?:^|[|(]\s*)(?:dist\/|\.\/)?usher(?: ((?:[^'|)]|'[^']*')*))?/;

/** Reads the usher command within a line; throws when it is wrong. */
export async function meaningOf(line: string): Promise<Meaning> {
  const [, rest = ""] = COMMAND.exec(line) ?? [];
  const all = splitWords(rest.replace(/^help /, ""));
  const [noun = "", verb] = all;
  const found = findEntry(noun, verb);
  if (found === null) throw new Error(`There is no command "${noun} ${verb}"`);
  const name = all.slice(0, found.words).join(" ");
  const command: Command = await found.entry.load();
  return { name, ...parseCommand(name, command, all.slice(found.words)) };
}
