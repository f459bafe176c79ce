/**
 * A connection to PostgreSQL out of a worker that has no environment.
 *
 * The client reads `PG*` names of the environment wherever an option could
 * have come from there. A worker without that permission would fail, so the
 * client is shown an empty environment: nothing but the options counts.
 *
 * @module
 */
import { isIP } from "node:net";
import process from "node:process";
import postgres from "postgres";

/** Where the database is, and as whom. */
export interface DatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** The certificate of its authority, PEM; null for no TLS. */
  readonly ca: string | null;
}

/** The database: each query takes one of its few connections. */
export type Sql = postgres.Sql;
/** Queries that count together or not at all. */
export type Transaction = postgres.TransactionSql;

/** Opens it; nothing is sent before the first query. */
export function openDatabase(options: DatabaseOptions): Sql {
  Object.defineProperty(process, "env", { value: {}, configurable: true });
  const { host, port, database, user, password, ca } = options;
  return postgres({
    host,
    port,
    database,
    user,
    password,
    // The certificate's name is compared with the one, its addresses with the other.
    ssl: ca === null
      ? false
      : { ca, ...(isIP(host) === 0 ? { servername: host } : { host }) },
    max: 4,
    // Less than a handler that decides may take, so that it can say why.
    connect_timeout: 3,
    idle_timeout: 60,
    onnotice: () => {},
    connection: {
      application_name: "usher",
      // A query that hangs must not hold what others wait for.
      statement_timeout: 10_000,
      lock_timeout: 4000,
    },
  });
}

/** Brings the tables up to date, one version after another, as one change each. */
export async function migrate(
  sql: Sql,
  schema: string,
  versions: readonly string[],
): Promise<void> {
  await sql.begin(async (tx) => {
    // Two controllers may start at once.
    await tx`select pg_advisory_xact_lock(hashtext(${schema}))`;
    await tx.unsafe(`create schema if not exists ${schema}`);
    await tx.unsafe(
      `create table if not exists ${schema}.version (version int not null)`,
    );
    const rows = await tx.unsafe(`select version from ${schema}.version`);
    const before = Number(rows[0]?.["version"] ?? 0);
    if (before > versions.length) {
      throw new Error(
        `Schema "${schema}" is of version ${before}, and this plugin knows ${versions.length}`,
      );
    }
    for (const version of versions.slice(before)) await tx.unsafe(version);
    if (before === versions.length) return;
    await tx.unsafe(`delete from ${schema}.version`);
    await tx.unsafe(
      `insert into ${schema}.version values (${versions.length})`,
    );
  });
}
