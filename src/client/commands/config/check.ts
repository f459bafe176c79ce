/**
 * `usher config check`.
 *
 * @module
 */
import { roleSources } from "../../../config/load.ts";
import { type Checked, checkSources } from "../../../config/sources.ts";
import { type Mistake, mistakesIn } from "../../../config/yaml_file.ts";
import { marginMistake } from "../../../core/takeover_margin.ts";
import { readPlain } from "../../../sys/given_file.ts";
import { choice, defineCommand, text } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import type { Io } from "../../io.ts";
import { printable } from "../../render/table.ts";
import { UsageError } from "../../usage.ts";
import {
  CONFIG_NAMES,
  type ConfigName,
  configName,
  CONFIGS,
  filesOf,
} from "./roles.ts";

/** What was found of one configuration. */
interface Found extends Checked {
  readonly name: ConfigName;
}

/** How it may look. */
const FORMS = ["table", "json"] as const;

export const check = defineCommand({
  about:
    "Tell all that is wrong with configuration files, each mistake with file, line, column and key: of the controller, a node, the command line and the shell, or of one of them, or of one FILE that is to become one. Nothing is started, and no controller is asked; options of plugins are checked by usher ctrl reload --check. Exit code 1 when something is wrong.",
  words: {
    usage: "[ctrl|lnm|cli|ush] [FILE]",
    min: 0,
    max: 2,
    completes: "file",
    choices: CONFIG_NAMES,
  },
  flags: {
    config: text("FILE", "a file that is read after the usual ones", {
      completes: "file",
    }),
    output: choice(FORMS, "form of the output", { short: "o" }),
  },
  examples: [
    ["usher config check", "whatever this machine is"],
    ["usher config check ctrl FILE", "before it is put in its place"],
  ],
  async run({ io }, { words: [word, file], flags }) {
    const all = word === undefined ? CONFIG_NAMES : [configName(word)];
    if (flags.config !== undefined && word === undefined) {
      throw new UsageError(
        "Cannot tell whose configuration --config names",
        "write usher config check ctrl --config FILE, or lnm, cli or ush",
      );
    }
    const found: Found[] = [];
    for (const name of all) {
      found.push(
        file === undefined
          ? await checkAll(io, name, flags.config)
          : await checkOne(name, file),
      );
    }
    io.stdout.write(
      flags.output === "json"
        ? `${JSON.stringify(found, null, 2)}\n`
        : found.map(foundText).join(""),
    );
    const isRight = found.every(({ mistakes }) => mistakes.length === 0);
    return isRight ? EXIT.done : EXIT.failed;
  },
});

async function checkAll(
  io: Io,
  name: ConfigName,
  file: string | undefined,
): Promise<Found> {
  const sources = roleSources(name, file);
  const files = filesOf(io);
  const checked = name === "ctrl"
    ? await checkSources(
      sources,
      CONFIGS.ctrl,
      files,
      ({ node_lease, takeover_margin }) =>
        marginMistake(node_lease, takeover_margin),
    )
    : await checkSources<unknown>(sources, CONFIGS[name], files);
  return { name, ...checked };
}

async function checkOne(name: ConfigName, file: string): Promise<Found> {
  const text = await readPlain(file);
  return {
    name,
    files: [file],
    mistakes: mistakesIn(file, text, CONFIGS[name]),
  };
}

function foundText({ name, files, mistakes }: Found): string {
  if (mistakes.length > 0) return mistakes.map(mistakeText).join("");
  return files.length === 0
    ? `${name}: no file, so every value is the default\n`
    : `${name}: right (${files.map(printable).join(", ")})\n`;
}

function mistakeText({ at, text, hint }: Mistake): string {
  const what = printable(at === "" ? text : `${at}: ${text}`);
  return hint === undefined ? `${what}\n` : `${what}\n  ${printable(hint)}\n`;
}
