/**
 * The machine that is installed on, as far as it is not files: its programs,
 * its rights, its service manager. A test gives one of its own, and a folder
 * for its root.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { type CommandResult, runCommand } from "../sys/child.ts";
import { environment } from "../sys/environment.ts";
import { statOrNull } from "../sys/file.ts";
import { isRoot, ownExecutable } from "../sys/placed_file.ts";
import { say } from "../sys/terminal.ts";

/** Where, and by whom, something is installed. */
export interface Machine {
  /** Stands before every path; "" for the machine itself. */
  readonly root: string;
  readonly isRoot: boolean;
  /** Whether systemd runs it, and not only lies there. */
  readonly hasSystemd: boolean;
  /** The executable that is installed. */
  readonly program: string;
  /** Folders that a shell looks for programs in. */
  readonly path: readonly string[];
  /** How many guests of this machine's node run. */
  guests(): Promise<number>;
  run(program: string, args: readonly string[]): Promise<CommandResult>;
  /** Tells a step that was done, or would be. */
  say(line: string): void;
}

/** A unit may take ten minutes to start; nothing else is waited for as long. */
const DEADLINE_MS = 11 * 60_000;

/** This very machine. */
export async function thisMachine(
  guests: () => Promise<number>,
  signal: AbortSignal,
): Promise<Machine> {
  return {
    root: "",
    isRoot: isRoot(),
    hasSystemd: await statOrNull("/run/systemd/system") !== null,
    program: ownExecutable(),
    path: (environment("PATH") ?? "").split(":").filter((one) => one !== ""),
    guests,
    run: (program, args) => runCommand(program, args, DEADLINE_MS, signal),
    say: (line) => say(line),
  };
}

/** Runs a program that must succeed; `what` is said when it does not. */
export async function must(
  machine: Machine,
  what: string,
  [program = "", ...args]: readonly string[],
): Promise<string> {
  const { code, stdout, stderr, timedOut } = await machine.run(program, args);
  if (code === 0) return stdout;
  const said = timedOut
    ? "it did not end within 11 minutes"
    : (stderr.trim() || stdout.trim() || `it ended with ${code}`)
      .split("\n")[0];
  throw new UsherError("unavailable", `Cannot ${what}: ${said}`, {
    hint: `${[program, ...args].join(" ")} says more; then run this again`,
  });
}
