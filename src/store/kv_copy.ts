/**
 * A look at a state that no controller holds: at a copy, so that nothing of
 * the original can change, not even by being opened.
 *
 * The copy is opened as a controller would open it, so what a crash left half
 * done is finished there, and an older schema is brought forward there.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import {
  copyFile,
  makeTempFolder,
  removeIfThere,
  statOrNull,
} from "../sys/file.ts";
import { tryLockFile } from "../sys/lock.ts";
import { type KvStoreOptions, openKvStore } from "./kv_store.ts";
import type { Store } from "./store.ts";

/** What SQLite keeps of one database; the last is there while one is open, or after a crash. */
const FILES = ["", "-wal"];

/**
 * Opens a copy of the state in the file `path`; null when a controller holds
 * it. Closing removes the copy. Throws `not_found` when there is no state.
 */
export async function openKvCopy(
  path: string,
  options: Omit<KvStoreOptions, "path" | "url">,
): Promise<Store | null> {
  if (await statOrNull(path) === null) {
    throw new UsherError("not_found", `There is no state in "${path}"`, {
      hint: "--state names the directory of a controller that has run",
    });
  }
  const folder = await copyUnlessHeld(path);
  if (folder === null) return null;
  try {
    const store = await openKvStore({ ...options, path: `${folder}/state.kv` });
    const close = store.close.bind(store);
    store.close = async () => {
      await close();
      await removeIfThere(folder);
    };
    return store;
  } catch (error) {
    await removeIfThere(folder);
    throw error;
  }
}

/** The folder with the copy; null when the lock is taken. */
async function copyUnlessHeld(path: string): Promise<string | null> {
  using lock = tryLockFile(`${path}.lock`);
  if (lock === null) return null;
  const folder = await makeTempFolder("usher-state-");
  try {
    for (const suffix of FILES) {
      if (await statOrNull(path + suffix) === null) continue;
      await copyFile(path + suffix, `${folder}/state.kv${suffix}`);
    }
    return folder;
  } catch (error) {
    await removeIfThere(folder);
    throw new UsherError(
      "unavailable",
      `Cannot copy the state "${path}" to look at it: ${messageOf(error)}`,
      {
        hint:
          "TMPDIR names a directory with room for it, or start the controller and ask it",
        cause: error,
      },
    );
  }
}
