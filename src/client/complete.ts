/**
 * What the shell may offer next. The completion scripts call this with the
 * words so far; it answers one candidate a line, a tab, and what it is.
 *
 * It must be quick and never wrong in a way that shows: whatever fails, it
 * offers nothing.
 *
 * @module
 */
import {
  type Command,
  COMMON_FLAGS,
  type Completes,
  type Flag,
  type Flags,
} from "./command.ts";
import { COMMANDS, findEntry, NOUNS } from "./commands/index.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { type Candidate, FILES, liveNames } from "./live_names.ts";

/** Live names of one kind. */
export type Names = (kind: Completes) => Promise<readonly Candidate[]>;

/** Answers the scripts; `words` are those after `usher`, the last one unfinished. */
export async function complete(
  io: Io,
  words: readonly string[],
): Promise<number> {
  try {
    const found = await candidates(words, (kind) => liveNames(io, kind));
    for (const [word, about] of found) io.stdout.write(`${word}\t${about}\n`);
  } catch {
    // Nothing to offer is the only thing that may go wrong here.
  }
  return EXIT.done;
}

/** The candidates for the last of `words`. */
export async function candidates(
  given: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> {
  const words = withoutEquals(given);
  const current = words.at(-1) ?? "";
  const [noun = "", verb = ""] = words;
  if (words.length <= 1) return matching(current, topWords());
  const isNoun = Object.hasOwn(NOUNS, noun);
  if (isNoun && words.length === 2) {
    const verbs = Object.entries(NOUNS[noun]?.verbs ?? {});
    return matching(
      current,
      verbs.map(([name, { summary }]) => [name, summary]),
    );
  }
  // The word that is being written is no verb yet.
  const found = findEntry(noun, words.length > 2 ? verb : undefined);
  if (found === null) return [];
  const command = await found.entry.load();
  const before = words.slice(found.words, -1);
  return matching(current, await offered(command, before, current, names));
}

/** bash takes `--on=n1` for three words: the flag, `=` and the value. */
function withoutEquals(words: readonly string[]): readonly string[] {
  const last = words.length - 1;
  if (words[last] === "=") return [...words.slice(0, last), ""];
  return words[last - 1] === "="
    ? [...words.slice(0, last - 1), ...words.slice(last)]
    : words;
}

function topWords(): Candidate[] {
  return [...Object.entries(NOUNS), ...Object.entries(COMMANDS)]
    .map(([name, { summary }]) => [name, summary]);
}

function matching(
  current: string,
  all: readonly Candidate[],
): readonly Candidate[] {
  return all.filter((candidate) =>
    candidate === FILES || candidate[0].startsWith(current)
  );
}

/** All that may stand for `current` behind the words `before` of a command. */
export async function offered(
  command: Command,
  before: readonly string[],
  current: string,
  names: Names,
): Promise<readonly Candidate[]> {
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const waiting = flagThatWaits(flags, before.at(-1) ?? "");
  if (waiting !== null) return await valuesOf(waiting, names);
  const [, joined, flag = ""] = /^(--([a-z-]+)=)/.exec(current) ?? [];
  if (joined !== undefined) {
    const values = await valuesOf(flags[flag], names);
    return values.map(([value, about]) => [joined + value, about]);
  }
  if (current.startsWith("-")) {
    return Object.entries(flags).map(([key, { help }]) => [`--${key}`, help]);
  }
  const { completes, choices = [], then } = command.words;
  const given = new Set(before);
  if (then !== undefined && before.some((word) => !word.startsWith("-"))) {
    return then.map((word) => [word, ""]);
  }
  const live = completes === "none" ? [] : await names(completes);
  return [...choices.map((word): Candidate => [word, ""]), ...live]
    .filter(([word]) => !given.has(word));
}

/** The flag whose value comes next, if `word` is one without its value. */
function flagThatWaits(flags: Flags, word: string): Flag<unknown> | null {
  const flag = word.startsWith("--")
    ? flags[word.slice(2)]
    : Object.values(flags).find(({ short }) =>
      short !== undefined && word === `-${short}`
    );
  return flag === undefined || flag.kind === "switch" ? null : flag;
}

async function valuesOf(
  flag: Flag<unknown> | undefined,
  names: Names,
): Promise<readonly Candidate[]> {
  const { choices, completes } = flag ?? {};
  if (choices !== undefined) return choices.map((choice) => [choice, ""]);
  if (completes === "file") return [FILES];
  return completes === undefined ? [] : await names(completes);
}
