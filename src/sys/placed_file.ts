/**
 * Files of the system that usher puts in place and takes away again.
 *
 * A file comes to its place whole, by its last act, also over a program that
 * runs. What a killed run has left beside the place has a name of its own, so the
 * next run finds it.
 *
 * @module
 */
import { dirname } from "node:path";
import { removeIfThere, syncFolder } from "./file.ts";

/** What lies at a path: the digest of a plain file, or what it is instead. */
export type Found = { readonly digest: string } | "nothing" | "no plain file";

/** Looks at `path`, without following a link. */
export async function lookAt(path: string): Promise<Found> {
  try {
    const { isFile } = await Deno.lstat(path);
    if (!isFile) return "no plain file";
    return { digest: await digestOf({ file: path }) };
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return "nothing";
    throw error;
  }
}

/** What a file is to hold: a text, or what another file holds. */
export type Content = { readonly text: string } | { readonly file: string };

/** The SHA-256 of it, in hex. Read whole: that is rare, and quicker than in pieces. */
export async function digestOf(content: Content): Promise<string> {
  const bytes = "text" in content
    ? new TextEncoder().encode(content.text)
    : await Deno.readFile(content.file);
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

function encodeHex(bytes: ArrayBuffer): string {
  return Array.from(
    new Uint8Array(bytes),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** Where a file is written before it has its place. */
export function unfinishedName(path: string): string {
  return `${path}.usher-new`;
}

/** Puts a file at `path`, durably, in the place of what is there. */
export async function placeFile(
  path: string,
  content: Content,
  mode: number,
): Promise<void> {
  const unfinished = unfinishedName(path);
  try {
    await removeIfThere(unfinished);
    if ("file" in content) await Deno.copyFile(content.file, unfinished);
    else await Deno.writeTextFile(unfinished, content.text);
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
