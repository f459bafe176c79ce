/**
 * Lines of an input that nobody edits: a script, a pipe, a plain terminal.
 *
 * @module
 */
import type { Keyboard } from "./keyboard.ts";

/** Takes lines from the keyboard, and no more than it needs. */
export class LineReader {
  readonly #keyboard: Keyboard;

  constructor(keyboard: Keyboard) {
    this.#keyboard = keyboard;
  }

  /** The next line without its end; null when the input has ended. */
  async next(): Promise<string | null> {
    const parts: Uint8Array[] = [];
    while (true) {
      const chunk = await this.#keyboard.next();
      if (chunk === null) return parts.length === 0 ? null : decode(parts);
      const end = chunk.indexOf(10);
      if (end < 0) {
        parts.push(chunk);
        continue;
      }
      parts.push(chunk.subarray(0, end));
      this.#keyboard.putBack(chunk.subarray(end + 1));
      return decode(parts);
    }
  }
}

async function joined(parts: readonly Uint8Array[]): Promise<string> {
  return await new Blob(parts as Uint8Array<ArrayBuffer>[]).text();
}

async function decode(parts: readonly Uint8Array[]): Promise<string> {
  return (await joined(parts)).replace(/\r$/, "");
}
