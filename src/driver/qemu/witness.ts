/**
 * The witness of one run of a domain: hears what QEMU tells, keeps the child
 * process, and is asked at the end why it came.
 *
 * An end has several signs (an event, the end of the monitor's session, the
 * process's own end) and they arrive in any order. So nothing is concluded
 * from the first: `explain` is asked once the process is gone, and waits for
 * its exit, which only the process that started it can learn.
 *
 * @module
 */
import type { DetachedChild, Exit } from "../../sys/child.ts";
import { systemClock } from "../../sys/clock.ts";
import { readLogTail } from "../../sys/log_file.ts";
import { explainEnding } from "./ending.ts";
import type { Ending } from "../ending.ts";
import type { QmpEvent } from "./qmp/event_queue.ts";

/** How long the exit of a process that is gone may take to be told. */
const EXIT_MS = 10_000;
const LOG_TAIL_BYTES = 8 * 1024;

/** What one run of a domain has shown so far. */
export class Witness {
  readonly #child: DetachedChild | null;
  #shutdownCause: string | null = null;
  #fatal: string | null = null;
  #cut = false;

  /** `child` is the process, if this LNM has started it. */
  constructor(child: DetachedChild | null = null) {
    this.#child = child;
  }

  /** Takes in an event. */
  hear({ event, data }: QmpEvent): void {
    if (event === "SHUTDOWN") this.#shutdownCause = String(data["reason"]);
  }

  /** The guest is beyond help, for this reason; QEMU is there only to tell it. */
  seeFatal(reason: string): void {
    this.#fatal ??= reason;
  }

  /** This LNM cuts the power; what QEMU says about its end is then no news. */
  seeCut(): void {
    this.#cut = true;
  }

  /** How the run ends, as far as it is known before its process has gone; null when it just ran. */
  get verdict(): Ending | null {
    if (this.#cut) return { state: "stopped", reason: "powered off" };
    return this.#fatal === null
      ? null
      : { state: "crashed", reason: this.#fatal };
  }

  /** How the run has ended. Its process must be gone. */
  async explain(qemuLog: string, rebooted: boolean): Promise<Ending> {
    if (this.verdict !== null) return this.verdict;
    const exit = await this.#exit();
    const tail = await readLogTail(qemuLog, LOG_TAIL_BYTES);
    return this.verdict ?? explainEnding({
      shutdownCause: this.#shutdownCause,
      exit,
      logTail: new TextDecoder().decode(tail),
      rebooted,
    });
  }

  async #exit(): Promise<Exit | null> {
    if (this.#child === null) return null;
    const enough = new AbortController();
    const late = systemClock.sleep(EXIT_MS, enough.signal).then(
      () => null,
      () => null,
    );
    try {
      return await Promise.race([this.#child.exited, late]);
    } finally {
      enough.abort();
    }
  }
}
