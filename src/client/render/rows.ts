/**
 * Rows in each form of output, part by part: what was printed is forgotten, so
 * a list takes as little memory as a part of it, however long it is.
 *
 * @module
 */
import type { Format } from "./format_name.ts";
import { type Column, TableLayout, type TableOptions } from "./table.ts";

/** Turns rows into what is printed of them. */
export interface RowPrinter<Row> {
  /** What the next rows come to; never called with none. */
  part(rows: readonly Row[]): string | Promise<string>;
  /** What stands below the last row, or instead of any. */
  end(): string;
  /** Columns that had no room. */
  readonly leftOut: readonly string[];
}

/** How rows are printed. */
export interface RowForm<Row> {
  readonly format: Format;
  readonly columns: readonly Column<Row>[];
  readonly table: TableOptions;
  name(row: Row): string;
}

/** The printer of a form. */
export function rowPrinter<Row>(form: RowForm<Row>): RowPrinter<Row> {
  const { format, name } = form;
  switch (format) {
    case "table":
    case "wide":
      return tablePrinter(form);
    case "json":
      return jsonPrinter();
    case "yaml":
      return yamlPrinter();
    case "ndjson":
      return linePrinter((row) => JSON.stringify(row));
    case "name":
      return linePrinter(name);
  }
}

function tablePrinter<Row>(
  { columns, table }: RowForm<Row>,
): RowPrinter<Row> {
  const layout = new TableLayout(columns, table);
  let isFirst = true;
  return {
    part(rows) {
      const lines = layout.draw(rows);
      const heading = isFirst ? layout.heading() : "";
      isFirst = false;
      return heading + lines;
    },
    end: () => "",
    get leftOut() {
      return layout.leftOut;
    },
  };
}

/** Reads as if `JSON.stringify(rows, null, 2)` had made it. */
function jsonPrinter<Row>(): RowPrinter<Row> {
  let count = 0;
  return {
    part: (rows) =>
      rows.map((row) => {
        const text = JSON.stringify(row, null, 2).replaceAll("\n", "\n  ");
        return `${count++ === 0 ? "[" : ","}\n  ${text}`;
      }).join(""),
    end: () => count === 0 ? "[]\n" : "\n]\n",
    leftOut: [],
  };
}

function yamlPrinter<Row>(): RowPrinter<Row> {
  let isEmpty = true;
  return {
    async part(rows) {
      isEmpty = false;
      const { toYaml } = await import("./yaml.ts");
      return toYaml(rows);
    },
    end: () => isEmpty ? "[]\n" : "",
    leftOut: [],
  };
}

function linePrinter<Row>(line: (row: Row) => string): RowPrinter<Row> {
  return {
    part: (rows) => rows.map((row) => `${line(row)}\n`).join(""),
    end: () => "",
    leftOut: [],
  };
}

/** Rows that are looked at before the first is printed: most lists have fewer. */
const FIRST_PART = 256;

/** Rows in the parts in which they came, but for the first, which is larger. */
export async function* inParts<Row>(
  parts: AsyncIterable<readonly Row[]>,
): AsyncGenerator<readonly Row[], void, void> {
  let first: Row[] | null = [];
  for await (const part of parts) {
    if (first === null) yield part;
    else {
      first.push(...part);
      if (first.length < FIRST_PART) continue;
      yield first;
      first = null;
    }
  }
  if (first !== null && first.length > 0) yield first;
}
