/**
 * The prompt and the line on the terminal: where each character stands, how
 * both are taken away and drawn again.
 *
 * The rows are broken here and not left to the terminal, so that it is known
 * where the cursor is, also behind the last column and after the window has
 * another width. What is printed while a line is being typed goes above it.
 *
 * @module
 */
import type { Output } from "../io.ts";
import { characters, columnsOf, shown } from "./columns.ts";
import type { View } from "./view.ts";

/** A view, broken into rows. */
export interface Layout {
  readonly rows: readonly string[];
  /** How many columns each row takes. */
  readonly widths: readonly number[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
}

/** Breaks `view` into rows of at most `width` columns. */
export function layOut(view: View, width: number): Layout {
  const rows = [""];
  const widths = [0];
  const room = Math.max(2, width);
  const put = (character: string) => {
    const visible = shown(character);
    const columns = visible === character
      ? columnsOf(character)
      : visible.length;
    if ((widths.at(-1) ?? 0) + columns > room) {
      rows.push("");
      widths.push(0);
    }
    rows[rows.length - 1] += visible;
    widths[widths.length - 1] = (widths.at(-1) ?? 0) + columns;
  };
  let cursor = { row: 0, column: 0 };
  const mark = () => {
    // Behind the last column is before the first of the next row.
    if ((widths.at(-1) ?? 0) >= room) {
      rows.push("");
      widths.push(0);
    }
    cursor = { row: rows.length - 1, column: widths.at(-1) ?? 0 };
  };
  for (const character of characters(view.prompt)) put(character);
  const text = characters(view.text);
  for (const [at, character] of text.entries()) {
    if (at === view.cursor) mark();
    put(character);
  }
  if (view.cursor >= text.length) mark();
  return { rows, widths, cursorRow: cursor.row, cursorColumn: cursor.column };
}

/** The part of a layout that fits `height` rows, around the cursor. */
export function within(layout: Layout, height: number): Layout {
  const { rows, widths, cursorRow, cursorColumn } = layout;
  const most = Math.max(1, height);
  if (rows.length <= most) return layout;
  const first = Math.max(0, Math.min(cursorRow, rows.length - most));
  return {
    rows: rows.slice(first, first + most),
    widths: widths.slice(first, first + most),
    cursorRow: cursorRow - first,
    cursorColumn,
  };
}

/** Draws a view on a terminal, again and again in the same place. */
export class Screen {
  readonly #output: Output;
  #drawn: Layout | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws `view` where the last one stands. */
  draw(view: View): void {
    const layout = this.#layout(view);
    this.#output.write(this.#toStart() + drawing(layout));
    this.#drawn = layout;
  }

  /** Prints whole lines above the view. */
  above(text: string, view: View): void {
    const layout = this.#layout(view);
    this.#output.write(
      `${this.#toStart()}${text.replaceAll("\n", "\r\n")}${drawing(layout)}`,
    );
    this.#drawn = layout;
  }

  /** Leaves the view where it is, and the cursor on the line below it. */
  leave(): void {
    if (this.#drawn === null) return;
    const { rows, cursorRow } = this.#drawn;
    this.#output.write(`${down(rows.length - 1 - cursorRow)}\r\n`);
    this.#drawn = null;
  }

  /** Empties the terminal; the next view is drawn at its top. */
  clear(): void {
    this.#output.write("\x1b[H\x1b[2J");
    this.#drawn = null;
  }

  #layout(view: View): Layout {
    return within(
      layOut(view, this.#output.columns()),
      this.#output.rows(),
    );
  }

  /** To the first row of what was drawn, all of it gone. */
  #toStart(): string {
    if (this.#drawn === null) return "";
    return `\r${up(rowsAbove(this.#drawn, this.#output.columns()))}\x1b[J`;
  }
}

/**
 * Rows between the first and the cursor, in a window that may have become
 * narrower: the terminal breaks each row that no longer fits, and a wide
 * character in one piece.
 */
export function rowsAbove(
  { rows, cursorRow, cursorColumn }: Layout,
  width: number,
): number {
  const before = rows.slice(0, cursorRow)
    .reduce((sum, row) => sum + breaksOf(row, width) + 1, 0);
  return before + breaksOf(rows[cursorRow] ?? "", width, cursorColumn);
}

/** How often a row is broken, up to the column `until` of it. */
function breaksOf(row: string, width: number, until = Infinity): number {
  const room = Math.max(2, width);
  let breaks = 0;
  let column = 0;
  let passed = 0;
  for (const character of characters(row)) {
    if (passed >= until) break;
    const columns = columnsOf(character);
    if (column + columns > room) {
      breaks++;
      column = 0;
    }
    column += columns;
    passed += columns;
  }
  // The cursor behind a full row stands on the next one only if it was moved.
  return breaks + (until !== Infinity && column >= room ? 1 : 0);
}

function drawing({ rows, cursorRow, cursorColumn }: Layout): string {
  return `${rows.join("\r\n")}${up(rows.length - 1 - cursorRow)}\r${
    cursorColumn > 0 ? `\x1b[${cursorColumn}C` : ""
  }`;
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${rows}A` : "";
}

function down(rows: number): string {
  return rows > 0 ? `\x1b[${rows}B` : "";
}
