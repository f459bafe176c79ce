/**
 * Files: durable writes, and reads that answer null for what is not there.
 *
 * A file that must survive a crash is written beside its place, synced and
 * renamed, and its folder is synced too, so a reader sees the old or the new
 * content and never a part.
 *
 * @module
 */

/** The text of `path`, or null when there is no such file. */
export async function readTextOrNull(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Like `readTextOrNull`, for hot paths where a thread hop costs more than the read. */
export function readTextOrNullSync(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isProcessGone(error)) {
      return null;
    }
    throw error;
  }
}

function isProcessGone(error: unknown): boolean {
  // Reading /proc/PID/* of a process that just ended answers ESRCH.
  return error instanceof Error && error.message.includes("os error 3)");
}

/** Who may read what is written. */
export interface WriteOptions {
  /** Permission bits of a new file. */
  readonly mode?: number;
}

/** Writes `text` so that a crash leaves either the old or the new content. */
export async function writeDurably(
  path: string,
  text: string,
  { mode = 0o600 }: WriteOptions = {},
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    using file = await Deno.open(temporary, {
      write: true,
      createNew: true,
      mode,
    });
    await writeAll(file, new TextEncoder().encode(text));
    await file.syncData();
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
  await syncFolder(path.slice(0, path.lastIndexOf("/")) || "/");
}

/** Writes a small file of bytes; it need not survive a crash. */
export async function writeBytes(
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await Deno.writeFile(path, bytes, { mode: 0o600 });
}

/** Writes a new file, and has it on the disk; its folder is not. */
export async function writeSynced(
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const options = { write: true, createNew: true, mode: 0o600 };
  using file = await Deno.open(path, options);
  await writeAll(file, bytes);
  await file.syncData();
}

/** All bytes of a file. */
export async function readBytes(
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  return await Deno.readFile(path);
}

/** Copies a file; the copy is this user's alone when its folder is. */
export async function copyFile(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
}

/** The bytes of a file, as they are asked for; null when it is not there. */
export async function openToRead(
  path: string,
): Promise<ReadableStream<Uint8Array> | null> {
  try {
    return (await Deno.open(path, { read: true })).readable;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Puts a folder in its place, durably; an empty one that is there makes way. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await syncFolder(from);
  await Deno.rename(from, to);
  await syncFolder(to.slice(0, to.lastIndexOf("/")) || "/");
}

/** Makes the entries of `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  using handle = await Deno.open(folder, { read: true });
  await handle.sync();
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += await file.write(bytes.subarray(done));
  }
}

/** Removes a file or a folder with all in it; absence is fine. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Makes `path` and its parents; those that are new get `mode`. */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode });
}

/** The names in `folder`, sorted; empty when there is none. */
export async function listFolder(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/** Size, kind and times of `path`, or null when it is not there. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return null;
    throw error;
  }
}

/** `path` from the root; a relative one counts from the working directory. */
export function absolutePath(path: string): string {
  return path.startsWith("/")
    ? path
    : `${Deno.cwd()}/${path}`.replace(/\/\.(?=\/|$)/g, "");
}

/** Makes a file or folder look as if it was written to at this time. */
export async function touch(path: string, ms: number): Promise<void> {
  const time = new Date(ms);
  await Deno.utime(path, time, time);
}

/** A new folder of our own for what need not be kept. */
export async function makeTempFolder(prefix: string): Promise<string> {
  return await Deno.makeTempDir({ prefix });
}
