/**
 * The client's entry: from the words of a command line to an exit code.
 *
 * Everything a command needs is loaded when it is needed. `parseRole()` is
 * for main.ts, which runs the roles: it reads their flags with the same
 * parser, and answers help and mistakes the same way.
 *
 * @module
 */
import { Api, type OpenConnection } from "./api.ts";
import type { Command, Context } from "./command.ts";
import type { CTRL_COMMANDS, CtrlWord } from "./commands/ctrl.ts";
import type { INSTALL_COMMANDS, InstallWord } from "./commands/install.ts";
import {
  COMPLETE_COMMAND,
  type Entry,
  findEntry,
  NOUNS,
} from "./commands/index.ts";
import { readSettings, type Settings } from "./config.ts";
import { systemIo } from "./deno.ts";
import { EXIT, EXIT_OF } from "./exit.ts";
import { failure, isFailure } from "./failure.ts";
import { type Io, wantsColor } from "./io.ts";
import { Notices } from "./notices.ts";
import { parseCommand, type Parsed } from "./parse.ts";
import { UsageError } from "./usage.ts";

/** The roles that main.ts runs, by their word on the command line. */
export const ROLES = ["ctrl", "lnm", "dev", "sim"] as const;
/** One of them. */
export type RoleName = typeof ROLES[number];

/** The role that `argv` asks for; null when it is a command of the client. */
export function roleOf(argv: readonly string[]): RoleName | null {
  return ROLES.find((role) => role === argv[0]) ?? null;
}

/** Verbs of `usher plugin` that run plugins, which the client cannot. */
const PLUGIN_TOOLS = ["check", "test"];

/** Whether `argv` asks for what src/plugin_tools runs. */
export function isPluginTool([noun, verb = ""]: readonly string[]): boolean {
  return noun === "plugin" && PLUGIN_TOOLS.includes(verb);
}

/** What runs commands that the client alone cannot, by their names. */
export type Runners = Readonly<
  // deno-lint-ignore no-explicit-any -- each command has flags of its own
  Record<string, (context: Context, input: any) => Promise<number>>
>;

/** A role's flags as given, or the exit code when there is nothing to run. */
export async function parseRole<R extends RoleName>(
  role: R,
  argv: readonly string[],
  io: Io = systemIo(),
): Promise<
  | {
    readonly parsed: Parsed<
      (typeof import("./commands/roles.ts"))[R]["flags"]
    >;
  }
  | { readonly exit: number }
> {
  const roles = await import("./commands/roles.ts");
  const command = roles[role] as unknown as Command;
  return await parseOr(role, command, argv.slice(1), io) as never;
}

/** What was given to a command behind `usher ctrl`, or the exit code when there is nothing to run. */
export async function parseCtrlCommand<W extends CtrlWord>(
  word: W,
  argv: readonly string[],
  io: Io = systemIo(),
): Promise<
  | { readonly parsed: Parsed<(typeof CTRL_COMMANDS)[W]["flags"]> }
  | { readonly exit: number }
> {
  const { CTRL_COMMANDS } = await import("./commands/ctrl.ts");
  const command = CTRL_COMMANDS[word] as unknown as Command;
  return await parseOr(`ctrl ${word}`, command, argv.slice(2), io) as never;
}

/** What was given to `usher ROLE install` or `uninstall`, or the exit code when there is nothing to run. */
export async function parseInstallCommand<W extends InstallWord>(
  word: W,
  argv: readonly string[],
  io: Io = systemIo(),
): Promise<
  | { readonly parsed: Parsed<(typeof INSTALL_COMMANDS)[W]["flags"]> }
  | { readonly exit: number }
> {
  const { INSTALL_COMMANDS } = await import("./commands/install.ts");
  const command = INSTALL_COMMANDS[word] as unknown as Command;
  return await parseOr(word, command, argv.slice(2), io) as never;
}

async function parseOr(
  name: string,
  command: Command,
  argv: readonly string[],
  io: Io,
): Promise<{ readonly parsed: unknown } | { readonly exit: number }> {
  try {
    const parsed = parseCommand(name, command, argv);
    if (!parsed.help) return { parsed };
    await showHelp(io, name, command);
    return { exit: EXIT.done };
  } catch (error) {
    return { exit: await report(io, error) };
  }
}

/** Runs a command of the client; answers the exit code and never throws. */
export async function runClient(
  argv: readonly string[],
  io: Io = systemIo(),
  open?: OpenConnection,
  runners: Runners = {},
  notices: Notices = new Notices(),
): Promise<number> {
  try {
    return await dispatch(argv, { io, open, runners, notices });
  } catch (error) {
    return await report(io, error);
  }
}

/** Where a command runs, and how it reaches a controller (for tests). */
interface Place {
  readonly io: Io;
  readonly open: OpenConnection | undefined;
  readonly runners: Runners;
  /** What answers say to everybody; a shell has one for all its commands. */
  readonly notices: Notices;
}

async function dispatch(
  given: readonly string[],
  place: Place,
): Promise<number> {
  const { io } = place;
  const [before, argv] = leadingFlags(given);
  const [noun, verb] = argv;
  if (noun === COMPLETE_COMMAND) {
    const { complete } = await import("./complete.ts");
    return await complete(io, argv.slice(1));
  }
  if (noun === "help" && verb !== undefined) {
    return await dispatch([...argv.slice(1, 3), "--help"], place);
  }
  if (noun === undefined || noun === "help" || isHelp(noun)) {
    const help = await import("./help.ts");
    io.stdout.write(help.overview(widthOf(io)));
    return noun === undefined ? EXIT.usage : EXIT.done;
  }
  if (noun === "--version") return await dispatch(["version"], place);
  const isNoun = Object.hasOwn(NOUNS, noun);
  if (isNoun && (verb === undefined || verb === "help" || isHelp(verb))) {
    const help = await import("./help.ts");
    io.stdout.write(help.nounHelp(noun, widthOf(io)));
    return verb === undefined ? EXIT.usage : EXIT.done;
  }
  const found = findEntry(noun, verb);
  if (found === null) {
    const { unknownCommand } = await import("./unknown_command.ts");
    throw await unknownCommand(noun, verb);
  }
  const name = argv.slice(0, found.words).join(" ");
  return await runCommand(place, name, found.entry, [
    ...before,
    ...argv.slice(found.words),
  ]);
}

/** The one flag that may stand before a command, since all have it; then the rest. */
function leadingFlags(
  argv: readonly string[],
): [readonly string[], readonly string[]] {
  const [first = ""] = argv;
  const count = first === "--controller" ? 2 : 1;
  if (!/^--controller(=|$)/.test(first)) return [[], argv];
  return [argv.slice(0, count), argv.slice(count)];
}

/** Columns that help may take; what is no terminal has no end. */
function widthOf({ stdout }: Io): number {
  return stdout.isTerminal ? stdout.columns() : Infinity;
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

async function runCommand(
  place: Place,
  name: string,
  entry: Entry,
  argv: readonly string[],
): Promise<number> {
  const command = await entry.load();
  const parsed = parseCommand(name, command, argv);
  if (parsed.help) {
    await showHelp(place.io, name, command);
    return EXIT.done;
  }
  using context = makeContext(place, parsed.controller);
  const run = place.runners[name] ?? command.run;
  return await run(context, parsed);
}

async function showHelp(io: Io, name: string, command: Command): Promise<void> {
  const { commandHelp } = await import("./help.ts");
  io.stdout.write(commandHelp(name, command, widthOf(io)));
}

function makeContext(
  { io, open, runners, notices }: Place,
  controllerFlag: string | undefined,
): Context & Disposable {
  let settings: Promise<Settings> | undefined;
  let api: Promise<Api> | undefined;
  let opened: Api | undefined;
  const onAnswer = (headers: Headers) => notices.heard(headers, Date.now());
  async function connectOnce(): Promise<Api> {
    opened = await connectWith(await context.settings(), open, onAnswer);
    return opened;
  }
  const context: Context & Disposable = {
    io,
    settings: () => settings ??= readSettings(io, controllerFlag),
    api: () => api ??= connectOnce(),
    async shell(options) {
      const { runShell } = await import("./shell/mod.ts");
      return await runShell({
        ...context,
        open,
        controller: controllerFlag,
        notices,
        run: (argv, io, open) => runClient(argv, io, open, runners, notices),
        report,
      }, options);
    },
    [Symbol.dispose]() {
      notices.tell(io);
      opened?.[Symbol.dispose]();
    },
  };
  return context;
}

/** Connects as the settings say; refuses when they name no controller. */
async function connectWith(
  settings: Settings,
  open: OpenConnection | undefined,
  onAnswer: (headers: Headers) => void,
): Promise<Api> {
  const { controller, caPem, token } = settings;
  if (controller === null) {
    throw new UsageError(
      "No controller is known: none was named, and there is no session",
      "log in with usher login URL, name one with --controller URL, or try usher dev",
    );
  }
  if (token === undefined) {
    throw await failure(
      "unauthenticated",
      `Not logged in at ${controller}: there is no session`,
      { hint: `usher login ${controller}` },
    );
  }
  return new Api({ controller, caPem, token, open, onAnswer });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

/** Tells an error on standard error; answers its exit code. */
async function report(io: Io, error: unknown): Promise<number> {
  if (error instanceof Error && error.name === "BrokenPipe") return EXIT.done;
  // Whoever pressed Ctrl-C at a question knows that.
  if (error instanceof Error && error.name === "Interrupted") {
    return EXIT.interrupted;
  }
  try {
    const { detailsOf, renderError, shownProblem, splitMessage } = await import(
      "./render/problem.ts"
    );
    const color = wantsColor(io, io.stderr);
    if (error instanceof UsageError) {
      const { what, why } = splitMessage(error.message);
      io.stderr.write(
        renderError({ message: what, why, hint: error.hint }, color),
      );
      return EXIT.usage;
    }
    const [, refused] = /^(.*) \(os error \d+\)/.exec(messageOf(error)) ?? [];
    if (refused !== undefined && !isFailure(error)) {
      // A full disk or a closed terminal is nobody's bug.
      const message = `Cannot go on: ${refused.toLowerCase()}`;
      io.stderr.write(renderError({ message }, color));
      return EXIT.failed;
    }
    const { toProblem } = await import("../error/mod.ts");
    const problem = toProblem(error);
    io.stderr.write(renderError(shownProblem(problem), color));
    if (io.env("USHER_DEBUG")) {
      io.stderr.write(
        isFailure(error) || !(error instanceof Error)
          ? detailsOf(problem)
          : `${error.stack}\n`,
      );
    }
    return EXIT_OF[problem.code];
  } catch {
    // Standard error is closed: there is nobody to tell.
    return EXIT.failed;
  }
}
