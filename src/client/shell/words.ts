/**
 * From the text of a script or a line to commands and their words.
 *
 * The rules are those that people know from their shell: quotes, a backslash,
 * `#` before a comment, `;` or a line's end between commands. There are no
 * variables, no patterns and no pipes: `*` reaches the controller as it is.
 *
 * @module
 */
import { UsageError } from "../usage.ts";

/** One command with the number of its line, from 1. */
export interface ShellCommand {
  readonly words: readonly string[];
  readonly line: number;
}

/** How a text ends that is no whole command. */
interface Reading {
  readonly commands: readonly ShellCommand[];
  /** The words of the command that the text ends in, the last one unfinished. */
  readonly open: readonly string[];
  /** Where in the text the last of them begins. */
  readonly openAt: number;
  /** The quote that is still open, or a backslash; null when none is. */
  readonly unclosed: string | null;
}

/** The commands of `text`; throws when a quote stays open. */
export function readCommands(text: string, firstLine = 1): ShellCommand[] {
  const { commands, unclosed } = read(`${text}\n`, firstLine);
  if (unclosed === null) return [...commands];
  throw new UsageError(
    unclosed === "\\"
      ? "The line ends in a backslash: nothing follows it"
      : `A quote is not closed: ${unclosed} opens it`,
    `write it twice, or \\${unclosed} where it means itself`,
  );
}

/** Whether more text has to come before the commands of `text` are whole. */
export function isUnfinished(text: string): boolean {
  return read(`${text}\n`, 1).unclosed !== null;
}

/** The unfinished word at the end of `text`, for the completion. */
export function openWord(
  text: string,
): { readonly words: readonly string[]; readonly at: number } {
  const { open, openAt } = read(text, 1);
  return { words: open, at: openAt };
}

/** `word`, written so that it is read as one word again. */
export function quoted(word: string): string {
  return word.replace(/[\s'"\\;#]/g, (sign) => `\\${sign}`);
}

function read(text: string, firstLine: number): Reading {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let word: string | null = null;
  let wordAt = text.length;
  let quote: string | null = null;
  let line = firstLine;
  let from = firstLine;
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push({ words, line: from });
    words = [];
  };
  const add = (sign: string, at: number) => {
    if (word === null) wordAt = at;
    if (words.length === 0 && word === null) from = line;
    word = (word ?? "") + sign;
  };
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? "";
    if (quote === "\\") {
      // A backslash at a line's end goes on with the next line.
      if (sign !== "\n") add(sign, at - 1);
      else if (at === text.length - 1) break;
      quote = null;
    } else if (quote === "'" || quote === '"') {
      const isEscaped = quote === '"' && sign === "\\" &&
        /["\\]/.test(text[at + 1] ?? "");
      if (isEscaped) add(text[++at] ?? "", at);
      else if (sign === quote) quote = null;
      else add(sign, at);
    } else if (sign === "\\") {
      quote = sign;
    } else if (sign === "'" || sign === '"') {
      add("", at);
      quote = sign;
    } else if (sign === "#" && word === null) {
      const end = text.indexOf("\n", at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (sign === "\n" || sign === ";") {
      endCommand();
    } else if (/\s/.test(sign)) {
      endWord();
    } else add(sign, at);
    if (sign === "\n") line++;
  }
  const open = word ?? "";
  return {
    commands,
    open: [...words, open],
    openAt: word === null ? text.length : wordAt,
    unclosed: quote,
  };
}
