/**
 * ush, the interactive shell: the command line with a prompt, a memory and a
 * standing connection.
 *
 * It is a way into the commands of the client and has none of its own beyond
 * those about itself. Which of its faces runs depends on what it is called
 * with and what it is called on.
 *
 * @module
 */
import { readGiven } from "../../sys/given_file.ts";
import type { ShellOptions } from "../command.ts";
import { UsageError } from "../usage.ts";
import { readSettings } from "../config.ts";
import type { Io } from "../io.ts";
import type { ShellContext, ShellHost } from "./front.ts";
import { readShellConfig, type ShellConfig } from "./ush_config.ts";
import { History } from "./history.ts";

/** Lines kept where `hist_len` does not say another number. */
const DEFAULT_HISTORY = 1_000;

/** Runs the shell, or a script of it; answers the exit code. */
export async function runShell(
  host: ShellHost,
  { file, command, keepGoing }: ShellOptions,
): Promise<number> {
  if (file !== undefined && command !== undefined) {
    throw new UsageError(
      "FILE and --command exclude each other",
      "give one of them",
    );
  }
  const context = configured(host, await readShellConfig(host.io));
  const { io } = context;
  const given = file === undefined ? command : await readGiven(file);
  if (given !== undefined || !io.stdin.isTerminal) {
    const { runInput, runText } = await import("./script.ts");
    return given === undefined
      ? await runInput(context, { keepGoing })
      : await runText(context, given, { keepGoing });
  }
  const openHistory = async (say: (text: string) => void) => {
    const lines = context.config.hist_len ??
      (await context.settings()).historyLength ?? DEFAULT_HISTORY;
    return await History.open(historyPath(context), lines, say);
  };
  if (!io.stdout.isTerminal || io.env("TERM") === "dumb") {
    const { runPlain } = await import("./plain.ts");
    return await runPlain(context, openHistory);
  }
  const { runInteractive } = await import("./interactive.ts");
  return await runInteractive(context, openHistory);
}

/** The client, as the configuration of the shell makes it. */
function configured(host: ShellHost, config: ShellConfig): ShellContext {
  const io: Io = { ...overlaid(host.io), cli: config.cli };
  return {
    ...host,
    config,
    io,
    settings: () => readSettings(io, host.controller),
  };
}

/** All of a machine; its members may be methods of a class. */
function overlaid(io: Io): Io {
  return {
    stdout: io.stdout,
    stderr: io.stderr,
    stdin: io.stdin,
    env: (name) => io.env(name),
    now: () => io.now(),
    onInterrupt: (handler) => io.onInterrupt(handler),
  };
}

/** Where the history lies: in the user's folder for state. */
function historyPath({ io }: ShellContext): string | null {
  const home = io.env("HOME");
  const state = io.env("XDG_STATE_HOME");
  if (state?.startsWith("/")) return `${state}/usher/ush_history`;
  return home ? `${home}/.local/state/usher/ush_history` : null;
}
