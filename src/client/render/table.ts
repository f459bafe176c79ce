/**
 * Tables: columns as data, rows as wide as they need, and never wider than
 * the terminal.
 *
 * @module
 */

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
  /** May be cut short when the terminal is narrow. */
  readonly shrinks?: boolean;
  /** A colour for a value, as the number of an SGR code. */
  color?(value: string): number | undefined;
}

/** How a table is drawn. */
export interface TableOptions {
  readonly header: boolean;
  readonly color: boolean;
  /** Columns of the terminal; Infinity where there is none. */
  readonly width: number;
}

const GAP = "  ";
const LEAST = 6;

/** `rows` as lines, each ending in a newline; no rows make no lines. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { header, color, width }: TableOptions,
): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) =>
    columns.map((column) => printable(column.value(row)))
  );
  const headings = columns.map(({ key }) => key.toUpperCase());
  const widths = fit(
    columns,
    columns.map((_, i) =>
      longest(cells, i, header ? headings[i]?.length ?? 0 : 0)
    ),
    width,
  );
  const lines = cells.map((line) => drawLine(line, columns, widths, color));
  if (header) {
    const line = headings.map((heading, i) =>
      pad(cut(heading, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align)
    );
    lines.unshift(paint(line.join(GAP).trimEnd(), color ? 1 : undefined));
  }
  return lines.map((line) => `${line}\n`).join("");
}

function longest(
  cells: readonly (readonly string[])[],
  i: number,
  least: number,
): number {
  let most = least;
  for (const line of cells) most = Math.max(most, line[i]?.length ?? 0);
  return most;
}

function drawLine<Row>(
  line: readonly string[],
  columns: readonly Column<Row>[],
  widths: readonly number[],
  color: boolean,
): string {
  return line.map((value, i) => {
    const padded = pad(
      cut(value, widths[i] ?? 0),
      widths[i] ?? 0,
      columns[i]
        ?.align,
    );
    const last = i === line.length - 1 ? padded.trimEnd() : padded;
    return paint(last, color ? columns[i]?.color?.(value) : undefined);
  }).join(GAP);
}

/** Takes width from the widest columns that may shrink until all fit. */
function fit<Row>(
  columns: readonly Column<Row>[],
  widths: number[],
  limit: number,
): number[] {
  const total = () =>
    widths.reduce((sum, width) => sum + width, 0) +
    GAP.length * (widths.length - 1);
  while (total() > limit) {
    let widest = -1;
    for (const [i, width] of widths.entries()) {
      if (!columns[i]?.shrinks || width <= LEAST) continue;
      if (widest < 0 || width > (widths[widest] ?? 0)) widest = i;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** `value` in at most `width` columns, with `…` where something is left out. */
export function cut(value: string, width: number): string {
  return value.length <= width ? value : `${value.slice(0, width - 1)}…`;
}

function pad(value: string, width: number, align?: "right"): string {
  return align === "right" ? value.padStart(width) : value.padEnd(width);
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

/** A number, or a text cut where its numbers begin and end. */
type SortKey = number | readonly string[];

function sortKey<Row>(column: Column<Row>, row: Row): SortKey {
  const key = column.sort?.(row) ?? column.value(row);
  return typeof key === "number" ? key : key.split(DIGITS);
}

function compare(a: SortKey, b: SortKey): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return naturally(
    typeof a === "number" ? [String(a)] : a,
    typeof b === "number" ? [String(b)] : b,
  );
}

const DIGITS = /(\d+)/;

/** `web2` before `web10`. */
function naturally(
  left: readonly string[],
  right: readonly string[],
): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = "", y = ""] = [left[i], right[i]];
    if (x === y) continue;
    if (i % 2 === 1 && Number(x) !== Number(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
