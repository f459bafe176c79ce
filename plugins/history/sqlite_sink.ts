/**
 * History in one SQLite file, which other programs may read while it is
 * written (write-ahead log).
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import {
  byTable,
  cutoff,
  firstVersion,
  type Keep,
  type Row,
  type Sink,
  type TableName,
  TABLES,
} from "./tables.ts";

/** Each version over the one before. Append only. */
const VERSIONS = [firstVersion("sqlite", "")];
/** How long a program that reads may hold up a write. */
const BUSY_MS = 2000;

/** Writes to a file. */
export class SqliteSink implements Sink {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Opens or makes the file, and makes or updates its tables. */
  static open(path: string): SqliteSink {
    const database = new DatabaseSync(path);
    try {
      database.exec(`pragma busy_timeout = ${BUSY_MS}`);
      database.exec("pragma journal_mode = wal");
      // What was answered is on disk.
      database.exec("pragma synchronous = full");
      migrateFile(database, path, VERSIONS);
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqliteSink(database);
  }

  write(rows: readonly Row[]): Promise<void> {
    return this.#whole(() => {
      for (const [table, all] of byTable(rows)) {
        const columns = TABLES[table];
        const insert = this.#database.prepare(
          `insert or ignore into ${table} (${columns.join(", ")})
           values (${columns.map(() => "?").join(", ")})`,
        );
        for (const { values } of all) {
          insert.run(...columns.map((column) => values[column] ?? null));
        }
      }
    });
  }

  async prune(
    keep: Keep & { readonly most: number },
    now: number,
  ): Promise<number> {
    let removed = 0;
    await this.#whole(() => {
      for (const table of Object.keys(TABLES) as TableName[]) {
        const { changes } = this.#database.prepare(
          `delete from ${table} where rowid in (
             select rowid from ${table} indexed by ${table}_at
             where site = ? and at < ? order by at limit ?)`,
        ).run(keep.site, cutoff(table, keep, now), keep.most);
        removed += Number(changes);
      }
    });
    return removed;
  }

  /** Closes the file; another program may then move it. */
  close(): void {
    this.#database.close();
  }

  /** Does it as one transaction. */
  #whole(work: () => void): Promise<void> {
    return Promise.try(() => whole(this.#database, work));
  }
}

/** Brings the tables up to date: to the last version, or not at all. */
export function migrateFile(
  database: DatabaseSync,
  path: string,
  versions: readonly string[],
): void {
  whole(database, () => {
    const row = database.prepare("pragma user_version").get();
    const before = Number(row?.["user_version"] ?? 0);
    if (before > versions.length) {
      throw new Error(
        `"${path}" is of version ${before}, and this plugin knows ${versions.length}`,
      );
    }
    for (const version of versions.slice(before)) database.exec(version);
    database.exec(`pragma user_version = ${versions.length}`);
  });
}

function whole(database: DatabaseSync, work: () => void): void {
  database.exec("begin immediate");
  try {
    work();
    database.exec("commit");
  } catch (error) {
    database.exec("rollback");
    throw error;
  }
}
