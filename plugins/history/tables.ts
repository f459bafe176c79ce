/**
 * The tables of the history, the same in PostgreSQL and in SQLite; other tools
 * read them, so columns are added and never changed (docs/plugins/history.md).
 *
 * Each row has a key that is the same when the same thing is told again, so
 * that telling twice writes once.
 *
 * @module
 */

/** Columns of each table; `at` is when it happened, ISO 8601 in UTC. */
export const TABLES = {
  vm_event: [
    "site",
    "id",
    "at",
    "event",
    "uid",
    "vm",
    "state",
    "reason",
    "node",
  ],
  node_event: ["site", "id", "at", "event", "node", "state", "version"],
  operation: [
    "site",
    "id",
    "at",
    "verb",
    "succeeded",
    "operation",
    "uid",
    "vm",
    "node",
    "from_node",
    "error",
    "detail",
  ],
  usage_sample: [
    "site",
    "kind",
    "name",
    "at",
    "cpu",
    "memory_mib",
    "disk_read",
    "disk_write",
    "net_rx",
    "net_tx",
  ],
  gap: ["site", "id", "at", "lost"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The name of a table. */
export type TableName = keyof typeof TABLES;

/** What a column may hold. */
export type Value = string | number | null;

/** A row, by column; a column that is left out is null. */
export interface Row {
  readonly table: TableName;
  readonly values: Readonly<Record<string, Value>>;
}

/** How long rows of a site are kept, in ms. */
export interface Keep {
  readonly site: string;
  readonly events: number;
  readonly usage: number;
}

/** Where rows go. */
export interface Sink {
  /** All of them or none; rows that are there already are passed over. Durable when it resolves. */
  write(rows: readonly Row[]): Promise<void>;
  /**
   * Removes what happened before its time to be kept began, at most so many
   * rows of each table; answers how many there were.
   */
  prune(
    keep: Keep & { readonly most: number },
    now: number,
  ): Promise<number>;
  /** Lets go of the database, whatever it is doing. */
  close(): void;
}

const TYPES: Readonly<Record<string, { pg: string; sqlite: string }>> = {
  at: { pg: "timestamptz not null", sqlite: "text not null" },
  succeeded: { pg: "int not null", sqlite: "integer not null" },
  lost: { pg: "int not null", sqlite: "integer not null" },
  cpu: { pg: "double precision", sqlite: "real" },
  memory_mib: { pg: "double precision", sqlite: "real" },
  disk_read: { pg: "double precision", sqlite: "real" },
  disk_write: { pg: "double precision", sqlite: "real" },
  net_rx: { pg: "double precision", sqlite: "real" },
  net_tx: { pg: "double precision", sqlite: "real" },
};

/** SQL that makes the tables of version 1, with `prefix` before each name. */
export function firstVersion(kind: "pg" | "sqlite", prefix: string): string {
  return Object.entries(TABLES).map(([table, columns]) => {
    const typed = columns.map((column) =>
      `${column} ${TYPES[column]?.[kind] ?? "text"}`
    );
    const key = table === "usage_sample" ? "site, kind, name, at" : "site, id";
    const index = kind === "pg"
      ? `create index ${table}_at on ${prefix}${table} (at)`
      : `create index ${prefix}${table}_at on ${table} (at)`;
    return `create table ${prefix}${table} (${
      typed.join(", ")
    }, primary key (${key})); ${index};`;
  }).join("\n");
}

/** When rows of a table that are kept so long are over; ISO 8601. */
export function cutoff(table: TableName, keep: Keep, now: number): string {
  const ms = table === "usage_sample" ? keep.usage : keep.events;
  return new Date(now - ms).toISOString();
}

/** Rows by table, in the order in which they came. */
export function byTable(rows: readonly Row[]): Map<TableName, Row[]> {
  return Map.groupBy(rows, ({ table }) => table);
}
