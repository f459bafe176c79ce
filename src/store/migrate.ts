/**
 * Schema versions: what an older usher wrote is brought forward at open, one
 * version after another, and what a newer one wrote is left alone.
 *
 * The version is a record of its own. A migration and its new version are one
 * commit, so a crash leaves the old version or the new one.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { Log } from "../sys/log.ts";
import { keys } from "./key.ts";
import type { Mutation, Store } from "./store.ts";

/** One step forward. */
export interface Migration {
  /** The version that it leads to; it starts from the one before. */
  readonly version: number;
  /** What it changes, for the log. */
  readonly name: string;
  /** Reads the records of the version before and says what to write. */
  plan(store: Pick<Store, "get" | "list">): Promise<readonly Mutation[]>;
}

/** The version of databases made before any migration. */
export const FIRST_VERSION = 1;

/** Every migration, in order. Append only: old databases take this way. */
export const MIGRATIONS: readonly Migration[] = [];

interface SchemaRecord {
  readonly version: number;
}

/** The version that `migrations` lead to. */
export function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? FIRST_VERSION;
}

/** Refuses `record`, the schema record of `place`, when a newer usher wrote it. */
export function checkVersion(
  record: unknown,
  migrations: readonly Migration[],
  place: string,
): void {
  const newest = newestVersion(migrations);
  const version = versionOf(record);
  if (version === null || version <= newest) return;
  throw new UsherError(
    "unsupported",
    `Cannot open state "${place}": its schema version is ${version}, this usher knows ${newest}`,
    { hint: "Run the usher that wrote it, or a newer one" },
  );
}

/** Brings the records of `store` to the newest version. */
export async function migrate(
  store: Store,
  { migrations = MIGRATIONS, place, log }: {
    readonly migrations?: readonly Migration[];
    readonly place: string;
    readonly log: Log;
  },
): Promise<void> {
  const key = keys.meta("schema");
  const record = await store.get(key);
  checkVersion(record, migrations, place);
  const version = versionOf(record);
  if (version === null) {
    return await store.commit([{
      type: "set",
      key,
      value: { version: newestVersion(migrations) },
    }]);
  }
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    const mutations = await migration.plan(store);
    const schema: SchemaRecord = { version: migration.version };
    await store.commit([...mutations, { type: "set", key, value: schema }]);
    log.info("Migrated the state", {
      place,
      version: migration.version,
      name: migration.name,
    });
  }
}

function versionOf(record: unknown): number | null {
  if (record === null || record === undefined) return null;
  const { version } = record as Partial<SchemaRecord>;
  if (typeof version === "number") return version;
  throw new UsherError(
    "internal",
    "Cannot read the schema version of the state: no number in it",
  );
}
