/**
 * The options of `history`.
 *
 * @module
 */
import type { PluginTools } from "@usher/plugin";
import { hostSchema } from "../shared/host.ts";

/** The options, checked. */
export interface Options {
  readonly file?: string | undefined;
  readonly server?: string | undefined;
  readonly port: number;
  readonly db_name: string;
  readonly user: string;
  readonly password_file?: string | undefined;
  readonly ca_file?: string | undefined;
  readonly site: string;
  readonly timeout: number;
  readonly backlog: number;
  readonly keep_events_days: number;
  readonly keep_usage_days: number;
}

/** The schema of the options. */
export function optionsOf({ z, duration }: PluginTools) {
  const days = z.int().min(1, "must be 1 at least").max(3650);
  const path = z.string().startsWith("/", "must be an absolute path");
  return z.strictObject({
    /** A SQLite file; it is made when it is missing. */
    file: path.optional(),
    /** Or PostgreSQL. */
    server: hostSchema({ z }).optional(),
    port: z.int().min(1).max(65535).default(5432),
    db_name: z.string().min(1).default("usher"),
    user: z.string().min(1).default("usher"),
    password_file: path.optional(),
    /** The authority of the server's certificate: then TLS is used. */
    ca_file: path.optional(),
    /** Tells this site's rows from another's in the same database. */
    site: z.string().min(1).max(63).default("usher"),
    /** How long one write may take before its rows wait instead. */
    timeout: duration.prefault("3s"),
    /** How many events may wait while the database is down. */
    backlog: z.int().min(0).max(8000, "must be 8000 at most").default(5000),
    keep_events_days: days.default(400),
    keep_usage_days: days.default(30),
  }).superRefine(({ file, server, password_file }, check) => {
    const issue = (key: string, message: string) =>
      check.addIssue({ code: "custom", path: [key], message });
    if ((file === undefined) === (server === undefined)) {
      issue("file", "Either file (SQLite) or server (PostgreSQL) is needed");
    }
    if (server !== undefined && password_file === undefined) {
      issue("password_file", "must name the file that holds the password");
    }
  });
}
