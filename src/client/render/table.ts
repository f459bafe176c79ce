/**
 * Tables: columns as data, rows as wide as they need, and never wider than
 * the terminal.
 *
 * @module
 */
import { compareNaturally } from "../../schema/natural_order.ts";
import { cut, pad, widthOf } from "./width.ts";

/** One column of a table. */
export interface Column<Row> {
  /** Its name for `--columns` and `--sort`, and in capitals its heading. */
  readonly key: string;
  value(row: Row): string;
  /** What rows are sorted by; the value when absent. */
  sort?(row: Row): string | number;
  /** Numbers stand to the right. */
  readonly align?: "right";
  /** Shown by `-o wide` and by name alone. */
  readonly wide?: boolean;
  /** Shown by name alone: most sites have nothing to say there. */
  readonly byNameAlone?: boolean;
  /** May be cut short when the terminal is narrow. */
  readonly shrinks?: boolean;
  /** Left out of a narrow terminal before the others, of which the last go first. */
  readonly leavesFirst?: boolean;
  /** A colour for a value, as the number of an SGR code. */
  color?(value: string): number | undefined;
}

/** How a table is drawn. */
export interface TableOptions {
  readonly header: boolean;
  readonly color: boolean;
  /** Columns of the terminal; Infinity where there is none. */
  readonly width: number;
  /** The columns were asked for by name: they are cut before one is left out. */
  readonly isChosen?: boolean;
}

const GAP = "  ";
/** What may shrink is cut to this before a column is left out. */
const COMFORTABLE = 16;
/** And to this before one is that does not leave first. */
const LEAST = 6;

/** `rows` as lines, each ending in a newline; no rows make no lines. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): string {
  if (rows.length === 0) return "";
  const layout = new TableLayout(columns, options);
  const lines = layout.draw(rows);
  return layout.heading() + lines;
}

/**
 * A table that is drawn part by part. Columns are as wide as the rows so far
 * need, and grow with later ones; those that have no room are left out of all
 * parts from the first on.
 */
export class TableLayout<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #options: TableOptions;
  /** What each column would like to have. */
  readonly #wanted: number[];
  /** What each has; 0 is left out. */
  #widths: readonly number[] = [];

  constructor(columns: readonly Column<Row>[], options: TableOptions) {
    this.#columns = columns;
    this.#options = options;
    this.#wanted = columns.map(({ key }) => options.header ? key.length : 1);
  }

  /** The columns that have no room; none before the first rows. */
  get leftOut(): string[] {
    return this.#columns.filter((_, i) => this.#widths[i] === 0)
      .map(({ key }) => key);
  }

  /** The heading, once rows have said how wide it is. */
  heading(): string {
    const { header, color } = this.#options;
    if (!header) return "";
    const cells = this.#columns.map(({ key }) => key.toUpperCase());
    return `${paint(this.#line(cells, false), color ? 1 : undefined)}\n`;
  }

  /** `rows` as lines, each ending in a newline. */
  draw(rows: readonly Row[]): string {
    const cells = rows.map((row) =>
      this.#columns.map((column) => printable(column.value(row)))
    );
    for (const line of cells) {
      for (const [i, cell] of line.entries()) {
        const most = this.#wanted[i] ?? 0;
        // Nothing takes more columns than two a letter.
        if (cell.length * 2 <= most) continue;
        this.#wanted[i] = Math.max(most, widthOf(cell));
      }
    }
    this.#widths = fit(this.#columns, this.#wanted, {
      limit: this.#options.width,
      isChosen: this.#options.isChosen ?? false,
      // What is left out stays so: lines below each other are of one table.
      isOut: this.#widths.map((width) => width === 0),
    });
    return cells.map((line) => `${this.#line(line, this.#options.color)}\n`)
      .join("");
  }

  #line(cells: readonly string[], color: boolean): string {
    const last = this.#widths.findLastIndex((width) => width > 0);
    const drawn: string[] = [];
    for (const [i, cell] of cells.entries()) {
      const width = this.#widths[i] ?? 0;
      if (width === 0) continue;
      const padded = pad(cut(cell, width), width, this.#columns[i]?.align);
      drawn.push(
        paint(
          i === last ? padded.trimEnd() : padded,
          color ? this.#columns[i]?.color?.(cell) : undefined,
        ),
      );
    }
    return drawn.join(GAP);
  }
}

interface Room {
  readonly limit: number;
  readonly isChosen: boolean;
  readonly isOut: readonly boolean[];
}

/**
 * The width of each column, 0 for one that is left out. What may shrink is cut
 * to a comfortable size; then those leave that leave first; then what may
 * shrink is cut further, and the last columns leave. The first one stays, and
 * is cut as far as it takes.
 */
function fit<Row>(
  columns: readonly Column<Row>[],
  wanted: readonly number[],
  { limit, isChosen, isOut }: Room,
): number[] {
  const widths = wanted.map((width, i) => isOut[i] === true ? 0 : width);
  const give = columns.map(({ shrinks }, i) =>
    isChosen || shrinks ? (i === 0 && !isChosen ? COMFORTABLE : LEAST) : null
  );
  if (!isChosen) {
    const comfortably = give.map((least) => least && COMFORTABLE);
    shrink(widths, comfortably, limit);
    for (const out of leavers(columns)) {
      if (taken(widths) <= limit) break;
      const tight = [...widths];
      if (columns[out]?.leavesFirst !== true) shrink(tight, give, limit);
      if (taken(tight) <= limit) break;
      widths[out] = 0;
    }
    regrow(widths, give.map((least, i) => least && (wanted[i] ?? 0)), limit);
  }
  shrink(widths, give, limit);
  shrink(widths, columns.map(() => 1), limit);
  for (let i = widths.length - 1; i > 0 && taken(widths) > limit; i--) {
    widths[i] = 0;
  }
  return widths;
}

/** Columns in the order in which they leave; the first one never does. */
function leavers<Row>(columns: readonly Column<Row>[]): number[] {
  const all = columns.map((_, i) => i).slice(1).reverse();
  return [
    ...all.filter((i) => columns[i]?.leavesFirst === true),
    ...all.filter((i) => columns[i]?.leavesFirst !== true),
  ];
}

function taken(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  return shown.reduce((sum, width) => sum + width, 0) +
    GAP.length * Math.max(0, shown.length - 1);
}

/** Takes from the widest, down to the least of each, until all fit. */
function shrink(
  widths: number[],
  least: readonly (number | null)[],
  limit: number,
): void {
  for (let over = taken(widths) - limit; over > 0; over--) {
    let widest = -1;
    for (const [i, width] of widths.entries()) {
      const own = least[i] ?? null;
      if (own === null || width <= own) continue;
      if (widest < 0 || width > (widths[widest] ?? 0)) widest = i;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** Gives back what a column that left has made free, up to the most of each. */
function regrow(
  widths: number[],
  most: readonly (number | null)[],
  limit: number,
): void {
  for (let free = limit - taken(widths); free > 0; free--) {
    const i = widths.findIndex((width, i) =>
      width > 0 && width < (most[i] ?? 0)
    );
    if (i < 0) return;
    widths[i] = (widths[i] ?? 0) + 1;
  }
}

function paint(text: string, color: number | undefined): string {
  return color === undefined ? text : `\x1b[${color}m${text}\x1b[0m`;
}

/** Control characters, and those that turn the direction of writing. */
const UNPRINTABLE =
  // deno-lint-ignore no-control-regex -- these are what it finds
  /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** What came from elsewhere must not command the terminal, nor break a line. */
export function printable(value: string): string {
  return value.replace(UNPRINTABLE, " ");
}

/** Rows in the order of `--sort col,-col`; equal ones stay as they came. */
export function sortRows<Row>(
  rows: readonly Row[],
  by: readonly { readonly column: Column<Row>; readonly down: boolean }[],
): Row[] {
  const keyed = rows.map((row) => ({
    row,
    keys: by.map(({ column }) => sortKey(column, row)),
  }));
  keyed.sort((a, b) => {
    for (const [i, { down }] of by.entries()) {
      const order = compare(a.keys[i] ?? 0, b.keys[i] ?? 0);
      if (order !== 0) return down ? -order : order;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

function sortKey<Row>(column: Column<Row>, row: Row): string | number {
  return column.sort?.(row) ?? column.value(row);
}

function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number"
    ? a - b
    : compareNaturally(String(a), String(b));
}
