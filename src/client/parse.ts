/**
 * The command line: words to flags and names, by a command's description.
 *
 * The platform's tokenizer (`node:util`) takes the words apart; this module
 * decides what they mean, and says what is wrong with them. See
 * docs/decisions for why no parsing library does.
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  type Command,
  COMMON_FLAGS,
  type Flag,
  type Flags,
  type Input,
  type Words,
} from "./command.ts";
import { didYouMean, nearest } from "../schema/nearest.ts";
import { unknownWord, UsageError } from "./usage.ts";

/** A parsed command line, with the flags that every command takes. */
export interface Parsed<F extends Flags> extends Input<F> {
  readonly controller: string | undefined;
  readonly help: boolean;
}

/** Reads `argv`, the words after a command's own name. */
export function parseCommand<F extends Flags>(
  name: string,
  command: Pick<Command<F>, "flags" | "words">,
  argv: readonly string[],
): Parsed<F> {
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const { words, given } = collect(name, flags, command, argv);
  const values = Object.fromEntries(
    Object.entries(flags).map((
      [key, flag],
    ) => [key, valueOf(key, flag, given.get(key) ?? [])]),
  );
  const help = values["help"] === true;
  if (!help) checkWords(name, command.words, words);
  return {
    words,
    flags: values as Parsed<F>["flags"],
    controller: values["controller"] as string | undefined,
    help,
  };
}

interface Collected {
  readonly words: readonly string[];
  /** Each flag's values in order; `null` for a switch. */
  readonly given: ReadonlyMap<string, readonly (string | null)[]>;
}

function collect(
  name: string,
  flags: Flags,
  command: Pick<Command, "words">,
  argv: readonly string[],
): Collected {
  const words: string[] = [];
  const given = new Map<string, (string | null)[]>();
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(flags).map(([key, flag]) => [key, {
        type: flag.kind === "switch" ? "boolean" as const : "string" as const,
        ...(flag.short === undefined ? {} : { short: flag.short }),
      }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = flags[token.name];
    if (flag === undefined) {
      refuseSecret(token.name, flags);
      // A word that was misspelt is why the flag behind it is none.
      checkChoices(name, command.words, words);
      throw unknownFlag(name, token.rawName, flags, command.words);
    }
    const value = valueGiven(token.rawName, flag, token.value);
    given.set(token.name, [...given.get(token.name) ?? [], value]);
  }
  return { words, given };
}

function valueGiven(
  rawName: string,
  flag: Flag<unknown>,
  value: string | undefined,
): string | null {
  if (flag.kind === "switch") {
    if (value === undefined) return null;
    throw new UsageError(
      `${rawName} takes no value: "${value}" was given`,
      /^(no|false|off|0)$/i.test(value)
        ? `leave ${rawName} out`
        : `write ${rawName} alone`,
    );
  }
  if (value !== undefined) return value;
  throw new UsageError(
    `${rawName} needs a value`,
    `write ${rawName} ${flag.metavar}`,
  );
}

/** What stands on a command line, every user of the machine can read. */
function refuseSecret(flag: string, flags: Flags): void {
  if (flag !== "password" && flag !== "token") return;
  if (flags[`${flag}-file`] === undefined) return;
  throw new UsageError(
    `A ${flag} does not belong on the command line: everybody on this machine can read it there`,
    flag === "password"
      ? "leave it out to be asked, or write --password-file FILE or --password-stdin"
      : "write --token-file FILE, or set USHER_TOKEN",
  );
}

function unknownFlag(
  name: string,
  rawName: string,
  flags: Flags,
  words: Words,
): UsageError {
  // Without the dashes, which would make any two short ones alike.
  const near = rawName.startsWith("--")
    ? nearest(rawName.slice(2), Object.keys(flags))
    : null;
  const hints = [
    near === null ? asWord(rawName, words) : `did you mean "--${near}"?`,
    `usher ${name} --help shows them all`,
  ];
  return new UsageError(
    `Unknown flag ${rawName}: "usher ${name}" does not have it`,
    hints.filter((part) => part !== "").join(" "),
  );
}

/** What is said of `--state running` where `state=running` is a word. */
function asWord(rawName: string, { usage }: Words): string {
  const [, key] = /^--([a-z][a-z0-9_.-]*)$/i.exec(rawName) ?? [];
  if (key === undefined || !usage.includes("key=value")) return "";
  return usage.startsWith("[key=value")
    ? `conditions are words: ${key}=VALUE;`
    : `arguments for plugins are words: ${key}=VALUE;`;
}

function valueOf(
  key: string,
  flag: Flag<unknown>,
  given: readonly (string | null)[],
): unknown {
  if (flag.kind === "switch") return given.length > 0;
  const values = given.map((word) => readValue(key, flag, word ?? ""));
  if (flag.kind === "list") return values;
  if (values.length > 1) {
    throw new UsageError(
      `--${key} was given ${values.length} times: it takes one value`,
      `leave all but one --${key} out`,
    );
  }
  return values[0];
}

function readValue(key: string, flag: Flag<unknown>, word: string): unknown {
  if (flag.choices !== undefined && !flag.choices.includes(word)) {
    throw new UsageError(
      `--${key} cannot be "${word}": it must be ${orList(flag.choices)}`,
      didYouMean(word, flag.choices) || `write --${key} ${flag.metavar}`,
    );
  }
  if (flag.read === undefined) return word;
  try {
    return flag.read(word);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(
      `Cannot read --${key}: ${error.message}`,
      error.hint ?? `write --${key} ${flag.metavar ?? ""}`.trimEnd(),
    );
  }
}

function orList(words: readonly string[]): string {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** The first of the words that a usage asks for beyond those that are there. */
function missing(usage: string, there: number): string {
  return usage.split(" ")[there]?.replace(/\.+$/, "") ?? "";
}

function checkWords(
  name: string,
  expected: Words,
  words: readonly string[],
): void {
  const { min, max, usage } = expected;
  const how = `usher ${name}${usage === "" ? "" : ` ${usage}`}`;
  if (words.length < min) {
    throw new UsageError(
      `"usher ${name}" is not complete: ${
        missing(usage, words.length)
      } is missing`,
      `write ${how}, or see usher ${name} --help`,
    );
  }
  if (words.length > max) {
    // A word that is misspelt is why there are others behind it.
    checkChoices(name, expected, words.slice(0, max));
    throw new UsageError(
      `"usher ${name}" does not know what to do with "${words[max]}"`,
      `write ${how}, or see usher ${name} --help`,
    );
  }
  if (words.includes("")) {
    throw new UsageError(
      `"usher ${name}" was given an empty word`,
      "look whether a variable on the line is not set",
    );
  }
  checkChoices(name, expected, words);
}

function checkChoices(
  name: string,
  { usage, choices = [], oneOf }: Words,
  words: readonly string[],
): void {
  for (const word of words) {
    if (oneOf === undefined || choices.includes(word)) continue;
    throw unknownWord(oneOf, word, choices, `write usher ${name} ${usage}`);
  }
}
