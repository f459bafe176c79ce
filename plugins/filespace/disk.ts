/**
 * The disk: folders and copies are made under a name of their own and get their
 * place by one rename, and leave it by one; so nobody ever sees half of either.
 *
 * Nothing is followed out of a root: users may write below it, and a link that
 * they put in the way of a path would make this plugin write, or remove, where
 * it leads.
 *
 * @module
 */
import type { Item } from "./rule.ts";

/** What is not as it must be for this to go on. */
export class DiskFault extends Error {
  override readonly name = "DiskFault";
}

/** What is there: a folder, something else, or nothing (null). */
async function kindOf(path: string): Promise<"folder" | "file" | null> {
  try {
    const { isDirectory } = await Deno.lstat(path);
    return isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Whether anything is there, a link that leads nowhere included. */
export async function isThere(path: string): Promise<boolean> {
  return await kindOf(path) !== null;
}

/** The folders between a root and what lies in it, outermost first. */
function foldersOf({ root, path }: Item): string[] {
  const parts = path.slice(root.length + 1).split("/").slice(0, -1);
  return parts.map((_, at) => `${root}/${parts.slice(0, at + 1).join("/")}`);
}

/**
 * Makes the folders that lead to an item. Throws `DiskFault` when one of them is
 * a link or a file.
 */
export async function makeWay(item: Item): Promise<void> {
  await checkRoot(item.root);
  for (const folder of foldersOf(item)) {
    const kind = await kindOf(folder);
    if (kind === "folder") continue;
    if (kind === "file") throw inTheWay(folder);
    await Deno.mkdir(folder).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    if (await kindOf(folder) !== "folder") throw inTheWay(folder);
  }
}

/** Whether the way to an item leads through folders alone. */
export async function isOnTheWay(item: Item): Promise<boolean> {
  for (const folder of foldersOf(item)) {
    if (await kindOf(folder) !== "folder") return false;
  }
  return true;
}

async function checkRoot(root: string): Promise<void> {
  const kind = await Deno.stat(root).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  // Not made: a share that is not mounted must not be written below.
  if (kind?.isDirectory !== true) {
    throw new DiskFault(`Root "${root}" is no folder: is it mounted?`);
  }
}

function inTheWay(path: string): DiskFault {
  return new DiskFault(
    `"${path}" is no folder: a file or a link is in the way`,
  );
}

/** Beside the item, hidden, and of this VM alone. */
function besideOf({ path }: Pick<Item, "path">, uid: string, what: string) {
  const at = path.lastIndexOf("/") + 1;
  return `${path.slice(0, at)}.usher-${uid}-${hashOf(path)}.${what}`;
}

/** Tells two items in one folder apart; a name may be as long as names get. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}

/** Makes an item whose way is there and whose place is free. */
export async function make(
  item: Item,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  const part = besideOf(item, uid, "part");
  await removeAll(part);
  try {
    if (item.base === null) await Deno.mkdir(part);
    else await Deno.copyFile(item.base, part);
    signal.throwIfAborted();
    if (item.mode !== null) await Deno.chmod(part, item.mode);
    if (item.owner !== null) await Deno.chown(part, ...item.owner);
    if (await isThere(item.path)) throw inTheWayOf(item);
    await Deno.rename(part, item.path);
  } catch (error) {
    await removeAll(part).catch(() => {});
    throw error;
  }
}

function inTheWayOf({ path }: Item): DiskFault {
  return new DiskFault(`"${path}" came to be while it was made`);
}

/** Removes an item and what was left of making or removing it. */
export async function unmake(item: Item, uid: string): Promise<void> {
  const gone = besideOf(item, uid, "gone");
  // What is not mounted now is removed when it is.
  await checkRoot(item.root);
  if (!await isOnTheWay(item)) return;
  await removeAll(besideOf(item, uid, "part"));
  await removeAll(gone);
  if (!await isThere(item.path)) return;
  await Deno.rename(item.path, gone);
  await removeAll(gone);
}

/** Removes a file, or a folder with all that is in it; links are not followed. */
async function removeAll(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** The size of an image in MiB, rounded up. Throws `DiskFault` when there is none. */
export async function sizeOf(image: string): Promise<number> {
  const info = await Deno.stat(image).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (info?.isFile !== true) {
    throw new DiskFault(`There is no image "${image}"`);
  }
  return Math.ceil(info.size / (1024 * 1024));
}

/** What is free on the file system of a folder, in MiB. */
export async function freeOn(folder: string): Promise<number> {
  const { statfs } = await import("node:fs/promises");
  const { bavail, bsize } = await statfs(folder);
  return Math.floor(bavail * bsize / (1024 * 1024));
}
