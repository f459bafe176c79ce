/**
 * What Tab does: the candidates for the word before the cursor, from the
 * descriptions of the commands and the shell's own copies, without a round
 * trip.
 *
 * @module
 */
import { candidates, type Names, offered } from "../complete.ts";
import { type Asked, type Candidate, FILES } from "../live_names.ts";
import { characters, columnsOf } from "./columns.ts";
import type { SiteCopy } from "./site_copy.ts";
import { firstWords, ownCommand, type OwnCommands, SHORT } from "./table.ts";
import { openWord, quoted } from "./words.ts";

/** What Tab comes to. */
export interface Completion {
  /** How many UTF-16 units before the cursor are replaced. */
  readonly length: number;
  /** By what; the same as what is there when nothing can be added. */
  readonly text: string;
  /** What there is to choose from; empty when there is no choice. */
  readonly choices: readonly Candidate[];
}

/** Where names come from. */
export interface CompletionSource {
  readonly own: OwnCommands;
  readonly names: Names;
  /** Files whose path begins so; folders end in a slash. */
  files(start: string): Promise<readonly string[]>;
}

/** Completes the last word of `before`; null when nothing fits. */
export async function completeLine(
  before: string,
  source: CompletionSource,
): Promise<Completion | null> {
  const { words, at } = openWord(before);
  const current = words.at(-1) ?? "";
  const found = (await candidatesOf(words, source))
    .filter(([word]) => word.startsWith(current));
  if (found.length === 0) return null;
  const common = commonStart(found.map(([word]) => word));
  const [only] = found;
  const isOnly = found.length === 1 && only !== undefined;
  const goesOn = /[=/]$/.test(common);
  return {
    length: before.length - at,
    text: common === current && !isOnly
      ? before.slice(at)
      : quoted(common) + (isOnly && !goesOn ? " " : ""),
    choices: isOnly ? [] : found,
  };
}

async function candidatesOf(
  words: readonly string[],
  { own, names, files }: CompletionSource,
): Promise<readonly Candidate[]> {
  const [first = "", ...rest] = words[0] === "usher" ? words.slice(1) : words;
  if (rest.length === 0) return firstWords(own);
  if (first === "help" || first === "?") {
    return rest.length === 1 ? firstWords(own) : [];
  }
  const mine = ownCommand(own, first);
  const found = mine !== null
    ? await offered(
      mine.command,
      rest.slice(0, -1),
      rest.at(-1) ?? "",
      names,
    )
    : await candidates([...SHORT[first] ?? [first], ...rest], names);
  if (!found.includes(FILES)) return found;
  // `--flag=` stays where it is.
  const [, joined = "", path = ""] = /^(--[a-z-]+=)?(.*)$/s
    .exec(rest.at(-1) ?? "") ?? [];
  return (await files(path)).map((file): Candidate => [joined + file, ""]);
}

/** Live names from the copies; null for what they do not hold, or not yet. */
export function namesOf(
  copy: SiteCopy,
  kind: Asked,
): readonly Candidate[] | null {
  if (!copy.isComplete) return null;
  switch (kind) {
    case "vm":
      return [...copy.vms].map(([name, { state }]) => [name, state] as const);
    case "node":
      return [...copy.nodes];
    case "cluster":
      return clustersOf(copy);
    case "operation":
      return [...copy.operations].map(([id, { verb, vm }]) =>
        [id, `${verb} ${vm}`] as const
      );
    default:
      return null;
  }
}

function clustersOf({ clusters, vms }: SiteCopy): readonly Candidate[] {
  const counts = new Map<string, number>();
  for (const name of vms.keys()) {
    const cluster = name.slice(name.indexOf(".") + 1);
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  return [...clusters].map((name) => [name, `${counts.get(name) ?? 0} VMs`]);
}

/** What all of `words` begin with, in whole characters. */
function commonStart(words: readonly string[]): string {
  const [first = [], ...others] = words.map(characters);
  let length = 0;
  while (
    length < first.length &&
    others.every((other) => other[length] === first[length])
  ) length++;
  return first.slice(0, length).join("");
}

/** The candidates in columns, as many as fit `width` and `height`. */
export function inColumns(
  choices: readonly Candidate[],
  width: number,
  height: number,
): string {
  const words = choices.map(([word]) => word);
  const widths = words.map((word) =>
    characters(word).reduce((sum, it) => sum + columnsOf(it), 0)
  );
  const column = Math.max(...widths) + 2;
  const perRow = Math.max(1, Math.floor(width / column));
  const rows = Math.ceil(words.length / perRow);
  const lines = Array.from(
    { length: rows },
    (_, row) =>
      words.map((word, at) => ({ word, at }))
        .filter(({ at }) => at % rows === row)
        .map(({ word, at }) => word + " ".repeat(column - (widths[at] ?? 0)))
        .join("").trimEnd(),
  );
  const shown = lines.slice(0, Math.max(1, height));
  const left = choices.length - Math.min(choices.length, shown.length * perRow);
  if (lines.length > shown.length) shown.push(`and ${left} more`);
  return shown.map((line) => `${line}\n`).join("");
}
