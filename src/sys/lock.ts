/**
 * A lock that dies with its process, however that ends.
 *
 * Deno has a lock that does not wait (`FsFile.tryLock`) only since 2.7, and a
 * waiting one given up cannot be taken back, so the lock is SQLite's on an
 * empty database: refused at once, and let go by the kernel when the holder
 * is killed. Nothing else in the process may open the lock file, since closing
 * any handle of it lets go of the lock.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** A lock that is held until disposed of. */
export interface FileLock extends Disposable {
  readonly path: string;
}

/** Takes the lock `path`, making the file; null when another process, or this one, has it. */
export function tryLockFile(path: string): FileLock | null {
  const database = new DatabaseSync(path);
  try {
    database.exec(
      "PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE",
    );
  } catch (error) {
    database.close();
    if (
      error instanceof Error && error.message.includes("database is locked")
    ) return null;
    throw error;
  }
  return { path, [Symbol.dispose]: () => database.isOpen && database.close() };
}
