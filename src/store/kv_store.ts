/**
 * The store on Deno KV: a local file, held by a lock beside it, or a KV
 * Connect URL, held by a lease in the database.
 *
 * Beside a file `PATH` lie `PATH.lock`, whose lock ends with the process that
 * holds it, and `PATH.holder`, which says who that is.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { isoTime } from "../sys/clock.ts";
import { makeFolder, readTextOrNull, removeIfThere } from "../sys/file.ts";
import { type FileLock, tryLockFile } from "../sys/lock.ts";
import type { Log } from "../sys/log.ts";
import { keys } from "./key.ts";
import { KvBackend, type KvDatabase } from "./kv_backend.ts";
import { type Claim, claim, endLease, held, keepLease } from "./kv_lease.ts";
import {
  checkVersion,
  migrate,
  type Migration,
  MIGRATIONS,
} from "./migrate.ts";
import { decodeValue } from "./record.ts";
import { RecordStore } from "./record_store.ts";
import type { Store } from "./store.ts";

/** Where a state lies: one of the two. */
export type KvPlace =
  | { readonly path: string; readonly url?: undefined }
  | { readonly url: string; readonly path?: undefined };

/** Which database is opened, and who its lock names as the holder. */
export type KvStoreOptions = KvPlace & Opening;

/** Who opens a database, and how. */
interface Opening {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  now(): number;
  readonly log: Log;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
  /** An epoch that was reached elsewhere: the one that is taken is higher. */
  readonly epochAbove?: number;
}

/**
 * Opens a controller's state for writing.
 *
 * Rejects with `busy` and the holder's name when another controller has it,
 * with `unavailable` when the place cannot be written, and with `unsupported`
 * when a newer usher wrote it.
 */
export async function openKvStore(options: KvStoreOptions): Promise<Store> {
  return options.path === undefined
    ? await openRemote(options.url, options)
    : await openLocal(options.path, options);
}

async function openLocal(
  path: string,
  options: KvStoreOptions,
): Promise<Store> {
  await makeFolder(folderOf(path)).catch((error) => {
    throw cannotOpen(path, error);
  });
  const lock = await takeLock(path, options);
  try {
    await makePrivate(path);
    return await openDatabase(path, options, {
      leased: false,
      release: async () => {
        await removeIfThere(`${path}.holder`);
        lock[Symbol.dispose]();
      },
    });
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Makes the file before SQLite does, which would let everyone read it. */
async function makePrivate(path: string): Promise<void> {
  try {
    using _file = await Deno.open(path, {
      create: true,
      append: true,
      mode: 0o600,
    });
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

async function takeLock(
  path: string,
  { host, pid, now }: KvStoreOptions,
): Promise<FileLock> {
  let lock: FileLock | null;
  try {
    lock = tryLockFile(`${path}.lock`);
  } catch (error) {
    throw cannotOpen(path, await whyNotWritable(path) ?? error);
  }
  if (lock === null) {
    throw held(path, parseHolder(await readTextOrNull(`${path}.holder`)));
  }
  try {
    Deno.writeTextFileSync(
      `${path}.holder`,
      JSON.stringify({ host, pid, since: isoTime(now()) }),
    );
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw cannotOpen(path, error);
  }
}

function parseHolder(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null; // Cut off by a full disk; the name is a courtesy.
  }
}

/** What the system says when asked for a file beside `path`; null when nothing. */
async function whyNotWritable(path: string): Promise<unknown> {
  const probe = `${path}.${crypto.randomUUID()}.probe`;
  try {
    await Deno.writeTextFile(probe, "x");
    return null;
  } catch (error) {
    return error;
  } finally {
    await removeIfThere(probe).catch(() => {});
  }
}

async function openRemote(
  url: string,
  options: KvStoreOptions,
): Promise<Store> {
  return await openDatabase(url, options, {
    leased: true,
    release: () => Promise.resolve(),
  });
}

async function openDatabase(
  place: string,
  options: KvStoreOptions,
  { leased, release }: { readonly leased: boolean; release(): Promise<void> },
): Promise<Store> {
  let database: Deno.Kv | undefined;
  try {
    database = await Deno.openKv(place);
    return await openOn(asDatabase(database), {
      ...options,
      place,
      leased,
      release,
    });
  } catch (error) {
    database?.close();
    throw error instanceof UsherError ? error : cannotOpen(place, error);
  }
}

// Deno's own types want mutable keys, which it does not change.
function asDatabase(kv: Deno.Kv): KvDatabase {
  return kv as unknown as KvDatabase;
}

/** What `openOn` needs beside a database. */
export interface OpenOnOptions extends Opening {
  readonly place: string;
  readonly leased: boolean;
  /** Called when the store is closed, before the database is. */
  release(): Promise<void>;
}

/** Opens the store in an open database; `openKvStore` without the lock file. */
export async function openOn(
  database: KvDatabase,
  options: OpenOnOptions,
): Promise<Store> {
  const { place, leased, now, log, migrations = MIGRATIONS } = options;
  const schema = await database.get(keys.meta("schema"));
  if (schema.value instanceof Uint8Array) {
    checkVersion(decodeValue(schema.value), migrations, place);
  }
  const right = await claim(database, options, {
    place,
    leased,
    epochAbove: options.epochAbove,
  });
  const stop = new AbortController();
  const lost = new AbortController();
  const renewing = leased
    ? keepLease(database, right, {
      now,
      log,
      signal: stop.signal,
      onLost: () => lost.abort(),
    })
    : Promise.resolve();
  const backend = new KvBackend({
    database,
    holderStamp: right.stamp,
    place,
    release: () => giveUp(),
  });
  async function giveUp(): Promise<void> {
    stop.abort();
    await renewing;
    if (leased) await tryEndLease(database, right, log);
    await options.release();
  }
  try {
    const store = await RecordStore.open(backend, right.holder, lost);
    await migrate(store, { migrations, place, log });
    return store;
  } catch (error) {
    await giveUp();
    throw error;
  }
}

async function tryEndLease(
  database: KvDatabase,
  right: Claim,
  log: Log,
): Promise<void> {
  await endLease(database, right).catch((error) => {
    log.warn("Cannot give up the lease on the state; it will expire", {
      error,
    });
  });
}

function cannotOpen(place: string, cause: unknown): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot open state "${place}": ${messageOf(cause)}`,
    {
      hint: "Check that the place exists, is writable and has room",
      cause,
    },
  );
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}
