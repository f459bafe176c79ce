/**
 * The driver's way to its guard: starts one when there is something to guard,
 * asks it, and ends one that is stuck.
 *
 * A guard belongs to no LNM: one that an earlier LNM started is simply there,
 * and so is what it holds, which stands in a file.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { spawnDetached } from "../../sys/child.ts";
import { type Clock, Deadline, systemClock } from "../../sys/clock.ts";
import { readTextOrNullSync } from "../../sys/file.ts";
import { ownEnvironment, ownProgram } from "../../sys/machine.ts";
import {
  isFrozen,
  type ProcessId,
  signalProcess,
} from "../../sys/process_table.ts";
import { askLine } from "../../sys/unix_socket.ts";
import {
  type Answer,
  guardFiles,
  type Held,
  parseHeld,
  type Request,
} from "./protocol.ts";

/** How long a guard may take to be there. */
const START_MS = 4000;
const LOOK_AGAIN_MS = 20;
/** How long a guard that is there may take to answer. */
const ANSWER_MS = 3500;

/** The guard of one driver, as its LNM has it. */
export class GuardClient {
  readonly #driver: string;
  readonly #dir: string;
  readonly #files: ReturnType<typeof guardFiles>;
  readonly #clock: Clock;
  readonly #log: (message: string, fields: Record<string, unknown>) => void;

  constructor(
    driver: string,
    runDir: string,
    log: (message: string, fields: Record<string, unknown>) => void,
    clock: Clock = systemClock,
  ) {
    this.#driver = driver;
    this.#dir = runDir;
    this.#files = guardFiles(runDir);
    this.#clock = clock;
    this.#log = log;
  }

  /** What guards hold, as written down; asked of the file, since no guard may be there. */
  held(): readonly Held[] {
    return parseHeld(readTextOrNullSync(this.#files.held));
  }

  /** Asks the guard, starting one if need be. Throws `unavailable`. */
  async ask(request: Request, signal: AbortSignal): Promise<Answer> {
    const line = JSON.stringify(request);
    try {
      return await this.#askOnce(line, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#endStuck();
    }
    await this.#start();
    using deadline = new Deadline(this.#clock, START_MS, "guard", signal);
    for (;;) {
      try {
        return await this.#askOnce(line, deadline.signal);
      } catch (error) {
        if (deadline.signal.aborted) throw noGuard(error);
      }
      await this.#clock.sleep(LOOK_AGAIN_MS, deadline.signal).catch(() => {});
    }
  }

  /** Asks a guard that is there; null when there is none. */
  async askIfThere(
    request: Request,
    signal: AbortSignal,
  ): Promise<Answer | null> {
    if (readTextOrNullSync(this.#files.pid) === null) return null;
    try {
      return await this.#askOnce(JSON.stringify(request), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return null;
    }
  }

  async #askOnce(line: string, signal: AbortSignal): Promise<Answer> {
    const { socket } = this.#files;
    using deadline = new Deadline(this.#clock, ANSWER_MS, "answer", signal);
    return JSON.parse(await askLine(socket, line, deadline.signal));
  }

  async #start(): Promise<void> {
    const [program, ...args] = ownProgram();
    const { pid } = await spawnDetached(
      program,
      [...args, "guard", this.#driver, this.#dir],
      {
        env: ownEnvironment(),
        outputPath: this.#files.log,
      },
    );
    this.#log("started a guard", { pid });
  }

  /** A guard that was stopped (SIGSTOP) guards nobody, and keeps another from doing so. */
  #endStuck(): void {
    const text = readTextOrNullSync(this.#files.pid);
    if (text === null) return;
    const process = JSON.parse(text) as ProcessId;
    if (!isFrozen(process)) return;
    this.#log("a guard that is stopped is ended", { pid: process.pid });
    signalProcess(process, "SIGKILL");
  }
}

function noGuard(cause: unknown): UsherError {
  return new UsherError(
    "unavailable",
    "Cannot reach the guard of this node's VMs",
    { cause, hint: "guard.log in the run directory tells why" },
  );
}
