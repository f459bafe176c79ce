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

/** What lies at a path: the digest of a plain file or a link, or what it is instead. */
export type Found = { readonly digest: string } | "nothing" | "no plain file";

/** Begins the digest of a link, which says where it leads. */
const LINK = "link to ";

/** Whether a digest is that of a link. */
export function isOfLink(digest: string): boolean {
  return digest.startsWith(LINK);
}

/** Looks at `path`, without following a link. */
export async function lookAt(path: string): Promise<Found> {
  try {
    const { isFile, isSymlink } = await Deno.lstat(path);
    if (isSymlink) return { digest: LINK + await Deno.readLink(path) };
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

/** What a file is to hold: a text, or what another file holds; or where a link leads. */
export type Content =
  | { readonly text: string }
  | { readonly file: string }
  | { readonly link: string };

/** The SHA-256 of it, in hex. Read whole: that is rare, and quicker than in pieces. */
export async function digestOf(content: Content): Promise<string> {
  if ("link" in content) return LINK + content.link;
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

/** Puts a file or a link at `path`, durably, in the place of what is there. */
export async function placeFile(
  path: string,
  content: Content,
  mode: number,
): Promise<void> {
  const unfinished = unfinishedName(path);
  try {
    await removeIfThere(unfinished);
    if ("link" in content) await Deno.symlink(content.link, unfinished);
    else await writeWhole(unfinished, content, mode);
    await Deno.rename(unfinished, path);
  } catch (error) {
    await removeIfThere(unfinished).catch(() => {}); // the disk says no to all
    throw error;
  }
  await syncFolder(dirname(path));
}

async function writeWhole(
  path: string,
  content: Exclude<Content, { readonly link: string }>,
  mode: number,
): Promise<void> {
  if ("file" in content) await Deno.copyFile(content.file, path);
  else await Deno.writeTextFile(path, content.text);
  await Deno.chmod(path, mode); // whatever the umask is
  using file = await Deno.open(path, { read: true });
  await file.sync();
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
