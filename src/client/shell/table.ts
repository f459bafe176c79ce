/**
 * The words that ush has besides those of the command line: short ones for
 * what people do all day, as the original's shell had them.
 *
 * A short word stands for the words of a command and is nothing by itself, so
 * its flags, help and completion are those of the command.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { COMMANDS, type Entry, findEntry, NOUNS } from "../commands/index.ts";
import { unknownWord, UsageError } from "../usage.ts";

/** Short words, and what they stand for. */
export const SHORT: Readonly<Record<string, readonly [string, string]>> = {
  start: ["vm", "start"],
  list: ["vm", "list"],
  show: ["vm", "show"],
  explain: ["vm", "explain"],
  cycle: ["vm", "cycle"],
  destroy: ["vm", "destroy"],
  migrate: ["vm", "migrate"],
  pause: ["vm", "pause"],
  resume: ["vm", "resume"],
  reboot: ["vm", "reboot"],
  shutdown: ["vm", "shutdown"],
  poweroff: ["vm", "poweroff"],
  register: ["vm", "register"],
  unregister: ["vm", "unregister"],
  console: ["vm", "console"],
  wait: ["vm", "wait"],
  nodes: ["node", "list"],
  drain: ["node", "drain"],
  undrain: ["node", "undrain"],
};

/** The words of the commands that the shell runs itself. */
export const OWN_WORDS = [
  "help",
  "connect",
  "reconnect",
  "disconnect",
  "set",
  "history",
  "quit",
] as const;

/** A command that the shell runs itself; the rest is as with any command. */
export interface OwnCommand {
  readonly summary: string;
  readonly command: Command;
}

/** Commands of the shell by their words. */
export type OwnCommands = Readonly<
  Record<typeof OWN_WORDS[number], OwnCommand>
>;

/** What a line asks for. */
export type Asked =
  | {
    readonly type: "own";
    readonly name: string;
    readonly command: Command;
    readonly argv: readonly string[];
  }
  | {
    readonly type: "usher";
    /** As it was written: `start`, `vm start`. */
    readonly name: string;
    /** All words of the command line. */
    readonly argv: readonly string[];
    readonly entry: Entry;
    /** How many of them name the command. */
    readonly words: 1 | 2;
  }
  /** A noun without a verb, or help on one. */
  | { readonly type: "noun"; readonly noun: string };

/** What `words` ask for; throws when it is nothing that ush can run. */
export function resolve(own: OwnCommands, words: readonly string[]): Asked {
  // What the command line says in its hints may be pasted as it is.
  const [first = "", ...rest] = words[0] === "usher" && words.length > 1
    ? words.slice(1)
    : words;
  const mine = ownCommand(own, first);
  if (mine !== null) {
    return { type: "own", name: first, command: mine.command, argv: rest };
  }
  const long = has(SHORT, first) ? SHORT[first] : undefined;
  const argv = [...long ?? [first], ...rest];
  const [noun = "", verb] = argv;
  const isNoun = has(NOUNS, noun);
  if (isNoun && (verb === undefined || /^(help|--help|-h)$/.test(verb))) {
    return { type: "noun", noun };
  }
  const found = findEntry(noun, verb);
  if (found === null) throw unknown(own, noun, verb);
  const name = long === undefined
    ? argv.slice(0, found.words).join(" ")
    : first;
  refuseOutside(found.entry, argv);
  return { type: "usher", name, argv, entry: found.entry, words: found.words };
}

/** Every word that may come first, with what it does. */
export function firstWords(own: OwnCommands): (readonly [string, string])[] {
  return [
    ...Object.entries(own).map(([word, { summary }]) =>
      [word, summary] as const
    ),
    ...shortWords(),
    ...Object.entries(NOUNS).map(([word, { summary }]) =>
      [word, summary] as const
    ),
    ...Object.entries(COMMANDS)
      .filter(([word, { role, hidden }]) => !role && !hidden && !has(own, word))
      .map(([word, { summary }]) => [word, summary] as const),
  ];
}

/** The short words with what they do. */
export function shortWords(): (readonly [string, string])[] {
  return Object.entries(SHORT).map(([word, [noun, verb]]) =>
    [word, NOUNS[noun]?.verbs[verb]?.summary ?? ""] as const
  );
}

/** The command of the shell itself of that name; `?` is help, `exit` is quit. */
export function ownCommand(own: OwnCommands, word: string): OwnCommand | null {
  const name = word === "?" ? "help" : word === "exit" ? "quit" : word;
  return has(own, name) ? own[name as keyof OwnCommands] : null;
}

/** Commands that would outlive the shell or need the whole executable. */
function refuseOutside(entry: Entry, argv: readonly string[]): void {
  const [noun = "", verb = ""] = argv;
  const isTool = noun === "plugin" && (verb === "check" || verb === "test");
  const isRole = entry.role === true || has(COMMANDS, noun) &&
      COMMANDS[noun]?.role === true;
  if (!isTool && !isRole && noun !== "shell") return;
  throw new UsageError(
    noun === "shell"
      ? `Cannot run "shell" here: this is ush already`
      : `Cannot run "${
        [noun, isTool ? verb : ""].join(" ").trim()
      }" within ush: it is a program of its own`,
    noun === "shell"
      ? "quit leaves it"
      : `run it outside: usher ${argv.join(" ")}`,
  );
}

function unknown(
  own: OwnCommands,
  noun: string,
  verb: string | undefined,
): UsageError {
  const verbs = has(NOUNS, noun) ? NOUNS[noun]?.verbs : undefined;
  if (verbs !== undefined && verb !== undefined) {
    return unknownWord(
      "verb",
      verb,
      Object.keys(verbs),
      `help ${noun} shows its verbs`,
    );
  }
  const words = firstWords(own).map(([word]) => word);
  return unknownWord("command", noun, words, "help shows them all");
}

function has(table: object, word: string): boolean {
  return Object.hasOwn(table, word);
}
