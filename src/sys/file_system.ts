/**
 * Room on file systems, and second names of files.
 *
 * @module
 */
import { statfs } from "node:fs/promises";

/** One file system's room. */
export interface Room {
  /** The same for every path on one file system. */
  readonly device: number;
  readonly freeBytes: number;
}

/** The room where `folder` lies. Throws when it is not there. */
export async function roomAt(folder: string): Promise<Room> {
  const { dev } = await Deno.stat(folder);
  const { bavail, bsize } = await statfs(folder);
  return { device: dev, freeBytes: bavail * bsize };
}

/** Gives a file a second name, which must be free; false when it is taken. */
export async function linkIfFree(
  path: string,
  second: string,
): Promise<boolean> {
  try {
    await Deno.link(path, second);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** Gives a file another name; nothing happens when it is not there. */
export async function renameIfThere(
  path: string,
  other: string,
): Promise<void> {
  try {
    await Deno.rename(path, other);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
