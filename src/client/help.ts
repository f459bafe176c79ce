/**
 * Help, from the same descriptions that the parser reads.
 *
 * @module
 */
import { type Command, COMMON_FLAGS, type Flags } from "./command.ts";
import { COMMANDS, type Entry, NOUNS } from "./commands/index.ts";

/** What `usher` alone says. */
export function overview(): string {
  const nouns = Object.entries(NOUNS).map(([noun, { summary }]) =>
    [`${noun} VERB`, summary] as const
  );
  const entries = visible(COMMANDS);
  const own = entries.filter(([, { role }]) => !role);
  const roles = entries.filter(([, { role }]) => role);
  return [
    "usher manages virtual machines on many machines.",
    section("", [...nouns, ...summaries(own)]),
    section("roles", summaries(roles)),
    [
      "first steps",
      "  usher dev                a site to try, on this machine",
      "  usher login URL          a session at a site that is there",
      "  usher vm start web1      make a VM and start it",
      "  usher vm list            see it",
    ].join("\n"),
    "usher vm, usher node and usher op show their verbs; --help works everywhere.\n",
  ].filter((part) => part !== "").join("\n\n");
}

/** What `usher vm` says. */
export function nounHelp(noun: string): string {
  const { summary, verbs } = NOUNS[noun] ?? { summary: "", verbs: {} };
  return `usher ${noun} VERB: ${summary}\n\n${
    section("verbs", summaries(visible(verbs)))
  }\n\nusher ${noun} VERB --help shows more.\n`;
}

/** What `--help` says of one command. */
export function commandHelp(name: string, command: Command): string {
  const { words, about, examples } = command;
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const usage = ["usher", name, words.usage, "[flags]"].filter((part) =>
    part !== ""
  ).join(" ");
  return [
    `usage: ${usage}`,
    about,
    section("flags", Object.entries(flags).map(flagLine)),
    section("examples", examples),
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

function section(
  title: string,
  lines: readonly (readonly [string, string])[],
): string {
  const width = Math.min(
    MAX_LEFT,
    Math.max(0, ...lines.map(([left]) => left.length)),
  );
  const drawn = lines.map(([left, right]) =>
    left.length > width
      ? `  ${left}\n  ${"".padEnd(width)}  ${right}`
      : `  ${left.padEnd(width)}  ${right}`
  );
  return [...(title === "" ? [] : [title]), ...drawn].join("\n");
}
