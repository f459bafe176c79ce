/**
 * What is written while somebody reads: the newest write of each record, from
 * the beginning of a capture to its end between two writes.
 *
 * A reader of a database that is written to sees some records before a write
 * and some after it. What it read, and then what was captured, is the state at
 * the capture's end.
 *
 * @module
 */
import { isUsherError } from "../error/mod.ts";
import type { Write } from "./record.ts";

/** The newest write of each record since it began. */
export class Capture {
  readonly #writes = new Map<string, Write>();
  readonly #atBorder: () => Promise<void>;
  #error: unknown = null;

  /** `atBorder` waits until no write is under way, and lets go of this. */
  constructor(atBorder: () => Promise<void>) {
    this.#atBorder = atBorder;
  }

  note(writes: readonly Write[]): void {
    for (const write of writes) this.#writes.set(write.name, write);
  }

  /** A write failed; one of which nobody can tell whether it happened spoils this. */
  failed(error: unknown): void {
    if (isUsherError(error, "interrupted")) this.#error ??= error;
  }

  /**
   * Ends between two writes; answers what was written. Throws what made a
   * write uncertain.
   */
  async end(): Promise<readonly Write[]> {
    await this.#atBorder();
    if (this.#error !== null) throw this.#error;
    return [...this.#writes.values()];
  }
}
