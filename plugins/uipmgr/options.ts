/**
 * The options of `uipmgr`, and where it keeps leases by them.
 *
 * @module
 */
import type { PluginContext, PluginTools } from "@usher/plugin";
import { hostSchema } from "../shared/host.ts";
import { openDatabase } from "../shared/postgres.ts";
import { readSmallFile } from "../shared/secret_file.ts";
import type { Leases } from "./leases.ts";
import { OwnLeases } from "./own_leases.ts";
import { PostgresLeases } from "./postgres_leases.ts";
import { type Range, type RangeOptions, readRanges } from "./range.ts";

/** The options, checked. */
export interface Options {
  readonly ranges: Readonly<Record<string, RangeOptions>>;
  readonly dfltrange?: string | undefined;
  readonly pending: number;
  readonly server?: string | undefined;
  readonly port: number;
  readonly db_name: string;
  readonly mgrname: string;
  readonly mgrpw_file?: string | undefined;
  readonly ca_file?: string | undefined;
  readonly site: string;
}

/** The schema of the options. */
export function optionsOf({ z, duration }: PluginTools) {
  const pool = z.strictObject({
    network: z.string(),
    first: z.string().optional(),
    last: z.string().optional(),
    gateway: z.string().optional(),
    /** Addresses that no VM gets. */
    exclude: z.array(z.string()).default([]),
  });
  const range = z.strictObject({
    ipv4: pool.optional(),
    ipv6: pool.optional(),
    vlan: z.int().min(1).max(4094).optional(),
    /** New VMs without a nic get one there. */
    bridge: z.string().regex(
      /^[A-Za-z0-9_.-]{1,15}$/,
      "must be an interface name of 15 characters at most",
    ).optional(),
    /** Who may have it; everybody when neither is given. */
    users: z.array(z.string()).optional(),
    groups: z.array(z.string()).optional(),
  });
  const path = z.string().startsWith("/", "must be an absolute path");
  return z.strictObject({
    ranges: z.record(
      z.string().regex(
        /^[A-Za-z0-9_.-]{1,63}$/,
        "a range is called by letters, digits, _ . -, 63 at most",
      ),
      range,
    ),
    /** For starts that name none; without it they get no address. */
    dfltrange: z.string().optional(),
    /** How long an address waits for its VM to be known. */
    pending: duration.prefault("1h"),
    /** Of PostgreSQL; without it leases are kept in the plugin's own space. */
    server: hostSchema({ z }).optional(),
    port: z.int().min(1).max(65535).default(5432),
    db_name: z.string().min(1).default("usher"),
    mgrname: z.string().min(1).default("usher"),
    mgrpw_file: path.optional(),
    /** The authority of the server's certificate: then TLS is used. */
    ca_file: path.optional(),
    /** Tells this site's leases from another's in the same database. */
    site: z.string().min(1).max(63).default("usher"),
  }).superRefine((options, check) => {
    const issue = (path: string[], message: string) =>
      check.addIssue({ code: "custom", path, message });
    try {
      readRanges(options.ranges);
    } catch (error) {
      issue(["ranges"], error instanceof Error ? error.message : String(error));
    }
    const { dfltrange, ranges, server, mgrpw_file } = options;
    if (dfltrange !== undefined && !Object.hasOwn(ranges, dfltrange)) {
      issue(["dfltrange"], `There is no range "${dfltrange}"`);
    }
    if (server !== undefined && mgrpw_file === undefined) {
      issue(["mgrpw_file"], "must name the file that holds the password");
    }
  });
}

/** One for all registrations, since each of them has a function of its own. */
const DATABASES = new Map<string, Promise<PostgresLeases>>();

/** Where leases are kept; the database is opened once it is needed. */
export async function openStore(
  ctx: PluginContext<Options>,
  ranges: readonly Range[],
): Promise<Leases> {
  const { options } = ctx;
  const { server } = options;
  if (server === undefined) {
    return new OwnLeases(ctx.state, ranges.flatMap(({ pools }) => pools));
  }
  const key = JSON.stringify(options);
  const opened = DATABASES.get(key) ?? openPostgres(options, server);
  DATABASES.set(key, opened);
  try {
    return await opened;
  } catch (error) {
    DATABASES.delete(key);
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot use PostgreSQL at ${server}:${options.port}: ${why}`,
      { cause: error },
    );
  }
}

async function openPostgres(
  options: Options,
  host: string,
): Promise<PostgresLeases> {
  const { port, db_name, mgrname, mgrpw_file, ca_file, site } = options;
  const sql = openDatabase({
    host,
    port,
    database: db_name,
    user: mgrname,
    password: await readSmallFile(mgrpw_file ?? ""),
    ca: ca_file === undefined ? null : await readSmallFile(ca_file),
  });
  try {
    return await PostgresLeases.open(sql, site);
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
}
