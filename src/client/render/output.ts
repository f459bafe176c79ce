/**
 * `-o`: what was read, in the form that was asked for.
 *
 * Standard output belongs to this; whatever is said besides goes to standard
 * error.
 *
 * @module
 */
import {
  choice,
  type Context,
  type Flags,
  type FlagValues,
  parsed,
  toggle,
} from "../command.ts";
import { wantsColor } from "../io.ts";
import { unknownWord, UsageError } from "../usage.ts";
import { type Format, FORMATS } from "./format_name.ts";
import { inParts, rowPrinter } from "./rows.ts";
import { type Column, sortRows } from "./table.ts";

/** The flag alone, for what prints no table of rows. */
export const FORMAT_FLAG = {
  output: choice(FORMATS, "form of the output", { short: "o" }),
} as const satisfies Flags;

/** Flags of every command that prints rows. */
export const OUTPUT_FLAGS = {
  ...FORMAT_FLAG,
  columns: parsed("COLS", "show these columns, separated by commas", words),
  sort: parsed(
    "COLS",
    "sort by these columns, once all rows are there; -COL sorts downwards",
    words,
  ),
  "no-header": toggle("leave out the headings"),
} as const satisfies Flags;

/** Flags of a list that the change stream tells of. */
export const WATCHED_FLAGS = {
  ...OUTPUT_FLAGS,
  watch: toggle("draw it again as things change, until Ctrl-C", { short: "w" }),
} as const satisfies Flags;

function words(text: string): string[] {
  const found = text.split(",").map((word) => word.trim())
    .filter((word) => word !== "");
  if (found.length > 0) return found;
  throw new UsageError(`"${text}" names no column`, "write name,state");
}

/** Rows and how to show them. */
export interface Listing<Row> {
  /** Asked once it is sure that the flags make sense. */
  read(): Promise<readonly Row[]>;
  /** The same in parts as they come, in the order of `order`, where there may be many. */
  stream?(): AsyncIterable<readonly Row[]>;
  /** Made for the time of reading where they say how long ago something was. */
  readonly columns:
    | readonly Column<Row>[]
    | ((now: number) => readonly Column<Row>[]);
  name(row: Row): string;
  /** The column that orders the rows when no flag does; as they came when absent. */
  readonly order?: string;
  /** Said on standard error instead of an empty table. */
  readonly none: string | (() => Promise<string>);
}

/** What the flags ask of a list. */
export interface Asked<Row> {
  readonly format: Format;
  readonly by: readonly {
    readonly column: Column<Row>;
    readonly down: boolean;
  }[];
  /** Columns as they are at `now`. */
  columns(now: number): readonly Column<Row>[];
  readonly header: boolean;
  readonly isChosen: boolean;
}

type ListFlags = FlagValues<typeof OUTPUT_FLAGS>;

/** What the flags ask; throws UsageError where they make no sense. */
export async function askedOf<Row>(
  context: Context,
  listing: Pick<Listing<Row>, "columns" | "order">,
  flags: ListFlags,
): Promise<Asked<Row>> {
  const format = flags.output ?? (await context.settings()).output;
  if (flags.columns !== undefined && !isTable(format)) {
    throw new UsageError(
      `--columns is for tables, and -o ${format} prints whole objects`,
      "add -o table",
    );
  }
  const all = columnsAt(listing, context.io.now());
  const order = listing.order === undefined ? [] : [listing.order];
  const by = (flags.sort ?? order).map((word) => {
    const down = word.startsWith("-");
    return { column: columnOf(all, down ? word.slice(1) : word), down };
  });
  const shown = flags.columns?.map((key) => columnOf(all, key)) ??
    all.filter(({ wide, byNameAlone }) =>
      !byNameAlone && (format === "wide" || !wide)
    );
  const keys = shown.map(({ key }) => key);
  return {
    format,
    by,
    columns: (now) => {
      const fresh = columnsAt(listing, now);
      return keys.map((key) => columnOf(fresh, key));
    },
    header: !flags["no-header"],
    isChosen: flags.columns !== undefined,
  };
}

function columnsAt<Row>(
  { columns }: Pick<Listing<Row>, "columns">,
  now: number,
): readonly Column<Row>[] {
  return typeof columns === "function" ? columns(now) : columns;
}

/** Whether a form of output is a table. */
export function isTable(format: Format): boolean {
  return format === "table" || format === "wide";
}

/** Prints rows as the flags ask. */
export async function printRows<Row>(
  context: Context,
  listing: Listing<Row>,
  flags: ListFlags,
): Promise<void> {
  const { io } = context;
  const asked = await askedOf(context, listing, flags);
  const { format, by } = asked;
  const printer = rowPrinter({
    format,
    columns: asked.columns(io.now()),
    name: listing.name,
    table: {
      header: asked.header,
      color: wantsColor(io, io.stdout),
      width: io.stdout.isTerminal ? io.stdout.columns() : Infinity,
      isChosen: asked.isChosen,
    },
  });
  let isEmpty = true;
  for await (const rows of partsOf(listing, flags, by)) {
    isEmpty = false;
    io.stdout.write(await printer.part(rows));
  }
  if (isEmpty && isTable(format)) {
    io.stderr.write(`${await noneOf(listing)}\n`);
  }
  const end = printer.end();
  if (end !== "") io.stdout.write(end);
  const { leftOut } = printer;
  // Who asked for all there is must learn that it is not.
  if (format === "wide" && leftOut.length > 0) {
    io.stderr.write(
      `no room for ${
        leftOut.join(", ")
      }: name columns with --columns, or use -o yaml\n`,
    );
  }
}

/** What to say instead of an empty table. */
export async function noneOf(
  { none }: Pick<Listing<unknown>, "none">,
): Promise<string> {
  return typeof none === "string" ? none : await none();
}

/** The rows in their order: as they come where they come in it. */
async function* partsOf<Row>(
  listing: Listing<Row>,
  flags: ListFlags,
  by: Asked<Row>["by"],
): AsyncGenerator<readonly Row[], void, void> {
  // A stream comes in this order; any other needs all rows before the first.
  const isInOrder = flags.sort === undefined ||
    flags.sort.join(",") === listing.order;
  if (listing.stream !== undefined && isInOrder) {
    yield* inParts(listing.stream());
    return;
  }
  const read = await listing.read();
  if (read.length > 0) yield by.length === 0 ? read : sortRows(read, by);
}

function columnOf<Row>(
  columns: readonly Column<Row>[],
  key: string,
): Column<Row> {
  const found = columns.find((column) => column.key === key.toLowerCase());
  if (found !== undefined) return found;
  const keys = columns.map((column) => column.key);
  throw unknownWord("column", key, keys, `columns: ${keys.join(", ")}`);
}

async function serialize<Row>(
  format: Exclude<Format, "table" | "wide">,
  rows: readonly Row[],
  name: (row: Row) => string,
): Promise<string> {
  switch (format) {
    case "json":
      return `${JSON.stringify(rows, null, 2)}\n`;
    case "ndjson":
      return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    case "yaml":
      return await toYaml(rows);
    case "name":
      return rows.map((row) => `${name(row)}\n`).join("");
  }
}

/** How the objects that a `show` names are printed. */
export interface Showing<T> {
  /** One was named by its name: it is printed as it is, not as a list. */
  readonly single: boolean;
  name(value: T): string;
  describe(value: T): string;
}

/** Prints the objects that were named: for people one below the other. */
export async function printShown<T>(
  context: Context,
  values: readonly T[],
  format: Format | undefined,
  { single, name, describe }: Showing<T>,
): Promise<void> {
  const chosen = format ?? (await context.settings()).output;
  const [first] = values;
  const text = single && first !== undefined
    ? await oneAs(chosen, first, name(first), describe)
    : chosen === "table" || chosen === "wide"
    ? values.map(describe).join("\n")
    : await serialize(chosen, values, name);
  if (text !== "") context.io.stdout.write(text);
}

/** Prints one object; `describe` draws it for people. */
export async function printOne<T>(
  context: Context,
  value: T,
  format: Format | undefined,
  { name, describe }: { name: string; describe: (value: T) => string },
): Promise<void> {
  const chosen = format ?? (await context.settings()).output;
  context.io.stdout.write(await oneAs(chosen, value, name, describe));
}

async function oneAs<T>(
  format: Format,
  value: T,
  name: string,
  describe: (value: T) => string,
): Promise<string> {
  switch (format) {
    case "table":
    case "wide":
      return describe(value);
    case "json":
      return `${JSON.stringify(value, null, 2)}\n`;
    case "ndjson":
      return `${JSON.stringify(value)}\n`;
    case "yaml":
      return await toYaml(value);
    case "name":
      return `${name}\n`;
  }
}

async function toYaml(value: unknown): Promise<string> {
  const yaml = await import("./yaml.ts");
  return yaml.toYaml(value);
}
