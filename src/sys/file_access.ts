/**
 * Whether a file can be used, asked before somebody else has to fail on it.
 *
 * @module
 */

/** What is wrong with `path`; null when nothing is. */
export type FileProblem =
  | "not there"
  | "not a file"
  | "not readable"
  | "not writable";

/**
 * Opens `path` as it will be used and closes it again. A block device is a
 * file, too; a pipe is none, and opening it would wait for its other end.
 */
export function findFileProblem(
  path: string,
  write: boolean,
): FileProblem | null {
  try {
    const { isFile, isBlockDevice } = Deno.statSync(path);
    if (!isFile && !isBlockDevice) return "not a file";
    Deno.openSync(path, { read: true }).close();
  } catch (error) {
    return isMissing(error) ? "not there" : "not readable";
  }
  if (!write) return null;
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return null;
  } catch {
    return "not writable";
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}

/** What `path` leads to, the same for every name of one file or device; null when it leads nowhere. */
export function fileIdentity(path: string): string | null {
  try {
    const { dev, ino, rdev, isBlockDevice } = Deno.statSync(path);
    // A device may have several nodes; what they stand for is one.
    return isBlockDevice ? `device ${rdev}` : `file ${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Whether `path` is a block device: a volume, a partition, a whole disk. */
export function isBlockDevice(path: string): boolean {
  try {
    return Deno.statSync(path).isBlockDevice ?? false;
  } catch {
    return false;
  }
}

/** Lets others through a folder of ours, to files whose names they know and that are open to them. */
export async function openToOthers(folder: string): Promise<void> {
  const { mode } = await Deno.stat(folder);
  if (mode !== null) await Deno.chmod(folder, (mode & 0o7777) | 0o001);
}
