/**
 * Writes docs/cli.md from the descriptions that the parser, `--help` and the
 * completion read, so that it cannot say anything else. A test fails when the
 * page is not what this makes.
 *
 *   deno run -A scripts/cli_docs.ts
 *
 * @module
 */
import {
  type Command,
  COMMON_FLAGS,
  type Flag,
  type Flags,
} from "../src/client/command.ts";
import { COMMANDS, type Entry, NOUNS } from "../src/client/commands/index.ts";
import { ROOT } from "./support.ts";

/** The page, from the repository's root. */
export const CLI_PAGE = "docs/cli.md";

const HEAD = `# Every command

Made from the commands in \`src/client/commands/index.ts\` by
\`scripts/cli_docs.ts\`; \`--help\` behind any of them says the same. How to work
with them, the forms of output and the exit codes stand in
[command-line.md](command-line.md).

    usher NOUN VERB [WORDS...] [flags]
`;

/** A command by the words after \`usher\` that name it. */
export interface NamedCommand {
  readonly name: string;
  readonly entry: Entry;
}

/** Every command that help shows, in its order. */
export function allCommands(): NamedCommand[] {
  const behindNouns = Object.entries(NOUNS).flatMap(([noun, { verbs }]) =>
    named(verbs, `${noun} `)
  );
  return [
    ...behindNouns,
    ...named(COMMANDS, "").flatMap(({ name, entry }) => [
      { name, entry },
      ...named(entry.words ?? {}, `${name} `),
    ]),
  ];
}

function named(
  entries: Readonly<Record<string, Entry>>,
  before: string,
): NamedCommand[] {
  return Object.entries(entries)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, entry]) => ({ name: before + name, entry }));
}

/** The whole page. */
export async function cliPage(): Promise<string> {
  const parts = [HEAD, commonFlags()];
  for (const [noun, { summary }] of Object.entries(NOUNS)) {
    parts.push(
      `## usher ${noun}\n\n${sentence(summary)}\n`,
      ...await textsOf(({ name }) => name.startsWith(`${noun} `)),
    );
  }
  parts.push(
    "## Commands without a noun\n",
    ...await textsOf(({ name }) =>
      !Object.hasOwn(NOUNS, name.split(" ")[0] ?? "")
    ),
  );
  return parts.join("\n");
}

async function textsOf(
  belongs: (command: NamedCommand) => boolean,
): Promise<string[]> {
  return await Promise.all(
    allCommands().filter(belongs).map(async ({ name, entry }) =>
      commandText(name, await entry.load())
    ),
  );
}

function commonFlags(): string {
  return `Flags of every command:\n\n${flagTable(COMMON_FLAGS)}`;
}

function commandText(name: string, command: Command): string {
  const { words, about, examples } = command;
  const usage = ["usher", name, words.usage, "[flags]"]
    .filter((part) => part !== "").join(" ");
  const lines = examples.map(([line, does]) => `# ${does}\n${line}`);
  return [
    `### usher ${name}`,
    `    ${usage}`,
    escaped(about),
    ...(Object.keys(command.flags).length === 0
      ? []
      : [flagTable(command.flags).trimEnd()]),
    `\`\`\`sh\n${lines.join("\n")}\n\`\`\``,
  ].join("\n\n") + "\n";
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags).map(([key, flag]) =>
    `| ${flagName(key, flag)} | ${escaped(flagHelp(flag))} |`
  );
  return ["| flag | |", "|---|---|", ...rows].join("\n") + "\n";
}

function flagName(key: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? "" : `\`-${flag.short}\`, `;
  const value = flag.metavar === undefined ? "" : ` ${flag.metavar}`;
  return `${short}\`--${key}${value.replaceAll("|", "\\|")}\``;
}

function flagHelp({ help, kind }: Flag<unknown>): string {
  return kind === "list" ? `${help}; may be repeated` : help;
}

/** What Markdown would read as its own. */
function escaped(text: string): string {
  return text.replace(/[|<*]/g, "\\$&");
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return `${escaped(capital)}.`;
}

if (import.meta.main) {
  await Deno.writeTextFile(ROOT + CLI_PAGE, await cliPage());
}
