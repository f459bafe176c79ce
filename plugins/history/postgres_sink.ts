/**
 * History in PostgreSQL, in schema `usher_history`.
 *
 * @module
 */
import { migrate, type Sql } from "../shared/postgres.ts";
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

const SCHEMA = "usher_history";
/** Each version over the one before. Append only. */
const VERSIONS = [firstVersion("pg", `${SCHEMA}.`)];
/** Rows of one statement, for the number of its parameters. */
const ROWS = 500;

/** Writes to a database. */
export class PostgresSink implements Sink {
  readonly #sql: Sql;

  private constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Makes or updates the tables. */
  static async open(sql: Sql): Promise<PostgresSink> {
    await migrate(sql, SCHEMA, VERSIONS);
    return new PostgresSink(sql);
  }

  async write(rows: readonly Row[]): Promise<void> {
    await this.#sql.begin(async (tx) => {
      for (const [table, all] of byTable(rows)) {
        const columns = TABLES[table];
        const filled = all.map(({ values }) =>
          Object.fromEntries(
            columns.map((column) => [column, values[column] ?? null]),
          )
        );
        for (let at = 0; at < filled.length; at += ROWS) {
          await tx`
            insert into ${tx(`${SCHEMA}.${table}`)}
            ${tx(filled.slice(at, at + ROWS), ...columns)}
            on conflict do nothing`;
        }
      }
    });
  }

  close(): void {
    void this.#sql.end({ timeout: 0 }).catch(() => {});
  }

  async prune(
    keep: Keep & { readonly most: number },
    now: number,
  ): Promise<number> {
    let removed = 0;
    for (const name of Object.keys(TABLES) as TableName[]) {
      const table = this.#sql(`${SCHEMA}.${name}`);
      const { count } = await this.#sql`
        delete from ${table} where ctid = any(array(
          select ctid from ${table}
          where site = ${keep.site} and at < ${cutoff(name, keep, now)}
          order by at limit ${keep.most}))`;
      removed += count;
    }
    return removed;
  }
}
