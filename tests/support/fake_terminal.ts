/**
 * A terminal without a machine: it keeps what stands on its screen, as the
 * sequences that the shell writes put it there, wide characters and the break
 * behind the last column included.
 *
 * @module
 */
import { characters, columnsOf } from "../../src/client/shell/columns.ts";
import type { Output } from "../../src/client/io.ts";

// deno-lint-ignore no-control-regex -- an escape sequence begins with ESC
const SEQUENCE = /^\x1b\[([?0-9;]*)([A-Za-z])/;

/** A screen of cells, and an output that writes on it. */
export class FakeTerminal implements Output {
  readonly isTerminal = true;
  #width: number;
  readonly #height: number;
  /** What scrolled away is kept before the rest. */
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  columns(): number {
    return this.#width;
  }

  rows(): number {
    return this.#height;
  }

  /** Where the cursor is, counted from the first line that was written. */
  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** The lines, without empty ones at the end. */
  lines(): string[] {
    const lines = this.#rows.map((cells) =>
      Array.from(cells, (cell) => cell ?? " ").join("").trimEnd()
    );
    while (lines.length > 1 && lines.at(-1) === "") lines.pop();
    return lines;
  }

  write(data: string | Uint8Array): void {
    let text = typeof data === "string" ? data : new TextDecoder().decode(data);
    while (text !== "") {
      const [sequence, given = "", final = ""] = SEQUENCE.exec(text) ?? [];
      if (sequence !== undefined) {
        this.#act(given, final);
        text = text.slice(sequence.length);
        continue;
      }
      const end = text.indexOf("\x1b");
      for (const it of characters(end < 0 ? text : text.slice(0, end))) {
        this.#put(it);
      }
      text = end < 0 ? "" : text.slice(end);
    }
  }

  /** Makes the window narrower, which breaks rows anew, or wider. */
  resize(width: number): void {
    const rows: string[][] = [];
    let row = 0;
    let column = this.#column;
    for (const [at, cells] of this.#rows.entries()) {
      if (at === this.#row) {
        row = rows.length + Math.floor(this.#column / width);
        column = this.#column % width;
      }
      for (let from = 0; from === 0 || from < cells.length; from += width) {
        rows.push(cells.slice(from, from + width));
      }
    }
    this.#width = width;
    this.#rows = rows;
    this.#row = row;
    this.#column = column;
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }

  #put(character: string): void {
    if (character === "\r" || character === "\r\n") this.#column = 0;
    if (character === "\r") return;
    if (character === "\n" || character === "\r\n") return this.#down();
    if (character === "\x07") return;
    const width = columnsOf(character);
    if (this.#column + width > this.#width) {
      this.#column = 0;
      this.#down();
    }
    const cells = this.#rows[this.#row] ?? [];
    cells[this.#column] = character;
    if (width === 2) cells[this.#column + 1] = "";
    this.#column += width;
  }

  #down(): void {
    this.#row++;
    if (this.#row >= this.#rows.length) this.#rows.push([]);
  }

  #act(given: string, final: string): void {
    const count = Number(given) || 1;
    switch (final) {
      case "A":
        this.#row = Math.max(this.#top, this.#row - count);
        break;
      case "B":
        this.#row = Math.min(this.#rows.length - 1, this.#row + count);
        break;
      case "C":
        this.#column = Math.min(this.#width - 1, this.#column + count);
        break;
      case "J":
        this.#rows = this.#rows.slice(0, this.#row + 1);
        this.#rows[this.#row]?.splice(this.#column);
        break;
      case "K":
        this.#rows[this.#row]?.splice(this.#column);
        break;
    }
  }

  /** The first row that still stands on the screen. */
  get #top(): number {
    return Math.max(0, this.#rows.length - this.#height);
  }
}
