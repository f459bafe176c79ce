/**
 * Standard input, shared by the shell and the commands it runs.
 *
 * A read of the terminal cannot be taken back, so there is one that never
 * ends, and whoever is at the turn gets what it brings: the editor, a console,
 * a question. What nobody asked for waits, so keys typed ahead are not lost.
 *
 * @module
 */
import type { Input } from "../io.ts";

/** Ends of the input in a row after which it has ended for good. */
const MOST_ENDS = 3;
/** Reads ahead of whoever takes them; a long script stays where it is. */
const MOST_QUEUED = 64;

/** The input, read once for all. */
export class Keyboard {
  readonly #input: Input;
  readonly #queue: Uint8Array[] = [];
  #waiting: ((chunk: Uint8Array | null) => void) | null = null;
  /** An end that was typed (Ctrl-D) and that nobody has seen yet. */
  #hasEnd = false;
  #isClosed = false;
  #hasRoom: (() => void) | null = null;

  constructor(input: Input) {
    this.#input = input;
    this.#pump();
  }

  /** Whether nothing will ever come again. */
  get isClosed(): boolean {
    return this.#isClosed && this.#queue.length === 0;
  }

  /** What comes next; null at an end, or when `release()` takes the turn away. */
  next(): Promise<Uint8Array | null> {
    const chunk = this.#queue.shift();
    this.#hasRoom?.();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#isClosed || this.#hasEnd) {
      this.#hasEnd = false;
      return Promise.resolve(null);
    }
    this.release();
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Gives back what was read too far. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#queue.unshift(bytes);
  }

  /** Ends the wait of whoever waits; what comes stays for the next one. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(null);
  }

  async #pump(): Promise<void> {
    for (let ends = 0; ends < MOST_ENDS;) {
      try {
        for await (const chunk of this.#input.chunks()) {
          ends = 0;
          this.#give(chunk);
          // A terminal is always read, or Ctrl-C would not be heard.
          if (this.#input.isTerminal) continue;
          while (this.#queue.length > MOST_QUEUED) await this.#room();
        }
      } catch {
        // The terminal has gone.
        break;
      }
      // On a terminal that is not raw this is Ctrl-D, and it can be read on.
      if (!this.#input.isTerminal) break;
      ends++;
      if (this.#waiting === null) this.#hasEnd = true;
      else this.release();
    }
    this.#isClosed = true;
    this.release();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => this.#hasRoom = resolve);
  }

  #give(chunk: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#queue.push(chunk);
    else waiting(chunk);
  }
}
