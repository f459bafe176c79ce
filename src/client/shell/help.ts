/**
 * Help as it is within the shell: the help of the command line, in the words
 * of ush.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { commandHelp, nounHelp, section } from "../help.ts";
import { COMMANDS, NOUNS } from "../commands/index.ts";
import type { Io } from "../io.ts";
import { OWN_WORDS, type OwnCommands, SHORT, shortWords } from "./table.ts";

/** What `help` alone says. */
export function shellHelp(own: OwnCommands, io: Io): string {
  const width = widthOf(io);
  const mine = Object.entries(own).map(([word, { summary }]) =>
    [word, summary] as const
  );
  const nouns = Object.entries(NOUNS).map(([noun, { summary }]) =>
    [`${noun} VERB`, summary] as const
  );
  const others = Object.entries(COMMANDS)
    .filter(([word, { role, hidden }]) =>
      !role && !hidden && word !== "shell" && !Object.hasOwn(own, word)
    )
    .map(([word, { summary }]) => [word, summary] as const);
  return [
    section("virtual machines", shortWords(), width),
    section("this shell", mine, width),
    section("the whole command line", [...nouns, ...others], width),
    "help COMMAND shows its flags; key=value behind names is for plugins.\n",
  ].join("\n\n");
}

/** What `help COMMAND` says; `name` is the word that was asked for. */
export function helpOf(
  name: string,
  command: Command,
  io: Io,
): string {
  return inShell(commandHelp(name, command, widthOf(io)));
}

/** What a noun without a verb says. */
export function nounHelpOf(noun: string, io: Io): string {
  return inShell(nounHelp(noun, widthOf(io)));
}

/** A text that speaks of the command line, with the words of the shell. */
export function inShell(text: string): string {
  const short = new Map(
    Object.entries(SHORT).map(([word, long]) => [long.join(" "), word]),
  );
  return text
    .replace(
      /\busher ([a-z]+ [a-z-]+)\b/g,
      (whole, words) => short.get(words) ?? whole,
    )
    .replace(KNOWN, "");
}

/** `usher` before a word that ush takes, too. */
const KNOWN = new RegExp(
  `\\busher (?=(?:${
    [...Object.keys(NOUNS), ...Object.keys(COMMANDS), ...OWN_WORDS].join("|")
  })\\b)`,
  "g",
);

function widthOf({ stdout }: Io): number {
  return stdout.isTerminal ? stdout.columns() : Infinity;
}
