/**
 * Files of the system that usher puts in place and takes away again.
 *
 * A file comes to its place whole, by its last act, also over a program that
 * runs. What a killed run has left beside the place has a name of its own, so the
 * next run finds it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { removeIfThere, syncFolder } from "./file.ts";

/** What lies at a path: the digest of a plain file, or what it is instead. */
export type Found = { readonly digest: string } | "nothing" | "no plain file";

/** Looks at `path`, without following a link. */
export async function lookAt(path: string): Promise<Found> {
  try {
    const { isFile } = await Deno.lstat(path);
    if (!isFile) return "no plain file";
    using file = await Deno.open(path, { read: true });
    return { digest: await digestOf(file.readable) };
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return "nothing";
    throw error;
  }
}

/** The SHA-256 of all that comes, in hex. */
export async function digestOf(
  stream: ReadableStream<Uint8Array>,
): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of stream) hash.update(piece);
  return hash.digest("hex");
}

/** Where a file is written before it has its place. */
export function unfinishedName(path: string): string {
  return `${path}.usher-new`;
}

/** Puts a file at `path`, durably, in the place of what is there. */
export async function placeFile(
  path: string,
  content: ReadableStream<Uint8Array>,
  mode: number,
): Promise<void> {
  const unfinished = unfinishedName(path);
  try {
    await removeIfThere(unfinished);
    await Deno.writeFile(unfinished, content, { mode, createNew: true });
    await Deno.chmod(unfinished, mode); // whatever the umask is
    using file = await Deno.open(unfinished, { read: true });
    await file.sync();
    await Deno.rename(unfinished, path);
  } catch (error) {
    await removeIfThere(unfinished).catch(() => {}); // the disk says no to all
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Removes a folder that has nothing in it; whether it is gone. */
export async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await Deno.remove(folder);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/** The file that this very process runs. */
export function ownExecutable(): string {
  return Deno.execPath().replace(/ \(deleted\)$/, "");
}

/** Whether this process is root's. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}
