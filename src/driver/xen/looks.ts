/**
 * Looking at the host: one `xl list` for all who ask at the same time, and
 * never one that began before somebody asked.
 *
 * @module
 */
import type { Row } from "./listing.ts";

/** Shares looks. */
export class Looks {
  readonly #look: () => Promise<readonly Row[]>;
  #current: Promise<readonly Row[]> | null = null;
  #next: Promise<readonly Row[]> | null = null;

  /** `look` asks Xen, and takes in what it answers before it resolves. */
  constructor(look: () => Promise<readonly Row[]>) {
    this.#look = look;
  }

  /** What there is now: the answer to a question that was asked after this call. */
  fresh(): Promise<readonly Row[]> {
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current.then(() => {}, () => {}).then(() => {
      this.#next = null;
      return this.#begin();
    });
    return this.#next;
  }

  /** Resolves once no look is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#current, this.#next]);
  }

  #begin(): Promise<readonly Row[]> {
    const current = this.#look().finally(() => {
      if (this.#current === current) this.#current = null;
    });
    this.#current = current;
    return current;
  }
}
