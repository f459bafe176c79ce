/**
 * What QEMU said last of one run: its run state, and what is worth telling
 * besides. Silence changes neither; a paused guest of a QEMU that hangs is
 * still paused.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { isFrozen, type ProcessId } from "../../sys/process_table.ts";
import { statusAfter } from "./monitor.ts";
import type { QmpEvent } from "./qmp/event_queue.ts";

/** Why a QEMU that does not answer may not. */
export function silenceOf(process: ProcessId | null): string {
  return isFrozen(process)
    ? "QEMU is frozen (SIGSTOP)"
    : "monitor does not answer";
}

/** The error for a command to a domain that has no process. */
export function notRunning(
  command: string,
  name: string,
  state: string,
): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot send ${command} to VM "${name}": it is ${state}`,
  );
}

/** The error for a command to a QEMU that does not listen. */
export function outOfReach(name: string, process: ProcessId): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot reach VM "${name}": ${silenceOf(process)}`,
  );
}

/** The newest word of one QEMU about itself. */
export class RunState {
  #status: string | null = null;
  #ailment = "";
  #silence: string | null = null;

  /** QEMU's run state as last heard; null before the first word of it. */
  get status(): string | null {
    return this.#status;
  }

  /** Why nothing is heard of QEMU; null when it answers. */
  get silence(): string | null {
    return this.#silence;
  }

  /** All of it, with what ails the guest, for people; empty when nothing does. */
  get facts(): {
    status: string | null;
    silence: string | null;
    ailment: string;
  } {
    const { status, silence } = this;
    return { status, silence, ailment: this.#ailment };
  }

  /** QEMU answered. */
  set(status: string): void {
    this.#status = status;
    this.#silence = null;
  }

  /** A command has changed it. What ailed a guest that goes on is over. */
  change(status: "paused" | "running"): void {
    this.set(status);
    if (status === "running") this.#ailment = "";
  }

  /** It does not answer; `process` may tell why. Whether that is news. */
  fallSilent(process: ProcessId | null): boolean {
    const before = this.#silence;
    this.#silence = silenceOf(process);
    return this.#silence !== before;
  }

  /** Takes in an event. */
  hear({ event, data }: QmpEvent): void {
    this.#silence = null;
    if (event === "BLOCK_IO_ERROR") {
      this.#ailment = `disk error: ${String(data["reason"])}`;
    }
    if (event === "RESUME") this.#ailment = "";
    if (event === "RESET" && data["guest"] === true) {
      this.#ailment = "guest restarted itself";
    }
    this.#status = statusAfter({ event, data }, this.#status);
  }
}
