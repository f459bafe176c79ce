/**
 * What QEMU said last of one run: its run state, and what is worth telling
 * besides.
 *
 * @module
 */
import { isFrozen, type ProcessId } from "../../sys/process_table.ts";
import { SILENT } from "./domain_state.ts";
import { statusAfter } from "./monitor.ts";
import type { QmpEvent } from "./qmp/event_queue.ts";

const FROZEN = "QEMU is frozen (SIGSTOP)";

/** The newest word of one QEMU about itself. */
export class RunState {
  #status: string | null = null;
  #note = "";

  /** QEMU's run state as last heard; null when it does not answer. */
  get status(): string | null {
    return this.#status;
  }

  /** What ails it, for people; empty when nothing does. */
  get note(): string {
    return this.#note;
  }

  /** A command has changed it. What ailed a guest that goes on is over. */
  change(status: "paused" | "running"): void {
    this.#status = status;
    if (status === "running") this.#note = "";
  }

  /** QEMU answered. */
  set(status: string): void {
    this.#status = status;
    if (this.#note === SILENT || this.#note === FROZEN) this.#note = "";
  }

  /** Nothing is known until QEMU answers again. */
  forget(): void {
    this.#status = null;
  }

  /** It does not answer; `process` may tell why. Whether that is news. */
  fallSilent(process: ProcessId | null): boolean {
    const before = this.#note;
    this.#status = null;
    this.#note = isFrozen(process) ? FROZEN : SILENT;
    return this.#note !== before;
  }

  /** Takes in an event. */
  hear({ event, data }: QmpEvent): void {
    if (event === "BLOCK_IO_ERROR") {
      this.#note = `disk error: ${String(data["reason"])}`;
    }
    if (event === "RESUME") this.#note = "";
    if (event === "RESET" && data["guest"] === true) {
      this.#note = "guest restarted itself";
    }
    this.#status = statusAfter({ event, data }, this.#status);
  }
}
