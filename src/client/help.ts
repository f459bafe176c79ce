/**
 * Help, from the same descriptions that the parser reads.
 *
 * @module
 */
import { type Command, COMMON_FLAGS, type Flags } from "./command.ts";
import { COMMANDS, type Entry, NOUNS } from "./commands/index.ts";

/** What `usher` alone says, in lines of at most `width` columns. */
export function overview(width: number): string {
  const nouns = Object.entries(NOUNS).map(([noun, { summary }]) =>
    [`${noun} VERB`, summary] as const
  );
  const entries = visible(COMMANDS);
  const own = entries.filter(([, { role }]) => !role);
  const roles = entries.filter(([, { role }]) => role);
  return [
    wrap("usher manages virtual machines on many machines.", width),
    section("", [...nouns, ...summaries(own)], width),
    section("roles", summaries(roles), width),
    section("first steps", FIRST_STEPS, width),
    `${
      wrap(
        "A noun alone, such as usher vm, shows its verbs; --help works everywhere.",
        width,
      )
    }\n`,
  ].filter((part) => part !== "").join("\n\n");
}

const FIRST_STEPS: readonly (readonly [string, string])[] = [
  ["usher dev", "a site to try, on this machine"],
  ["usher login URL", "a session at a site that is there"],
  ["usher vm start web1", "make a VM and start it"],
  ["usher vm list", "see it"],
];

/** What `usher vm` says. */
export function nounHelp(noun: string, width: number): string {
  const { summary, verbs } = NOUNS[noun] ?? { summary: "", verbs: {} };
  return `${wrap(`usher ${noun} VERB: ${summary}`, width)}\n\n${
    section("verbs", summaries(visible(verbs)), width)
  }\n\nusher ${noun} VERB --help shows more.\n`;
}

/** What `--help` says of one command. */
export function commandHelp(
  name: string,
  command: Command,
  width: number,
): string {
  const { words, about, examples } = command;
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const usage = ["usher", name, words.usage, "[flags]"].filter((part) =>
    part !== ""
  ).join(" ");
  return [
    wrap(`usage: ${usage}`, width, 7),
    wrap(about, width),
    section("flags", Object.entries(flags).map(flagLine), width),
    section("examples", examples, width),
  ].join("\n\n") + "\n";
}

function flagLine([key, flag]: [string, Flags[string]]): [string, string] {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.metavar === undefined ? "" : ` ${flag.metavar}`;
  const again = flag.kind === "list" ? "; may be repeated" : "";
  return [`${short}--${key}${value}`, flag.help + again];
}

function visible(
  entries: Readonly<Record<string, Entry>>,
): [string, Entry][] {
  return Object.entries(entries).filter(([, { hidden }]) => !hidden);
}

function summaries(
  entries: readonly [string, Entry][],
): (readonly [string, string])[] {
  return entries.map(([name, { summary }]) => [name, summary]);
}

const MAX_LEFT = 34;
/** Below this the right column stands under the left one. */
const LEAST_RIGHT = 24;
const NARROW_INDENT = 10;

/** A list of two columns under a title, in lines of at most `width` columns. */
export function section(
  title: string,
  lines: readonly (readonly [string, string])[],
  width: number,
): string {
  const longest = Math.max(0, ...lines.map(([left]) => left.length));
  const column = Math.min(MAX_LEFT, longest) + 4;
  const indent = width - column < LEAST_RIGHT ? NARROW_INDENT : column;
  const drawn = lines.map(([left, right]) => {
    const text = wrap(" ".repeat(indent) + right, width, indent);
    // What has no room on the left takes a line of its own.
    return left.length + 4 > indent
      ? `  ${left}\n${text}`
      : `  ${left}`.padEnd(indent) + text.slice(indent);
  });
  return [...(title === "" ? [] : [title]), ...drawn].join("\n");
}

/** `text` in lines of at most `width` columns, all but the first indented. */
function wrap(text: string, width: number, indent = 0): string {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  for (const word of text.trim().split(" ")) {
    const isEmpty = line.trim() === "";
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else line += isEmpty ? word : ` ${word}`;
  }
  return [...lines, line].join("\n");
}
