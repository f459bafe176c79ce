/**
 * Log files that another process writes: their newest part, and how they are
 * kept small.
 *
 * The writer must have opened its file for appending. Then the file can be
 * copied aside and cut to nothing under it, and its next line lands at the
 * start. What is written between copy and cut is lost, which for a console
 * is a line in a megabyte.
 *
 * @module
 */

const OLDER = ".1";

/** The newest `maxBytes` of a log, its older half included, whose name ends in `older`. */
export async function readLogTail(
  path: string,
  maxBytes: number,
  older = OLDER,
): Promise<Uint8Array<ArrayBuffer>> {
  const newer = await readTail(path, maxBytes);
  if (newer.length >= maxBytes) return newer;
  const before = await readTail(path + older, maxBytes - newer.length);
  const all = new Uint8Array(before.length + newer.length);
  all.set(before);
  all.set(newer, before.length);
  return all;
}

async function readTail(
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    using file = await Deno.open(path, { read: true });
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, maxBytes));
    await file.seek(size - bytes.length, Deno.SeekMode.Start);
    let done = 0;
    while (done < bytes.length) {
      const count = await file.read(bytes.subarray(done));
      if (count === null) break; // cut meanwhile
      done += count;
    }
    return bytes.subarray(0, done);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

/** Puts the newest `maxBytes` of a log that has as much aside, in place of its older half. Whether it did. */
export async function rotateLog(
  path: string,
  maxBytes: number,
): Promise<boolean> {
  try {
    const { size } = await Deno.stat(path);
    if (size < maxBytes) return false;
    const file = await Deno.open(path, { read: true });
    // It may have grown far beyond that while nobody looked after it.
    await file.seek(size - maxBytes, Deno.SeekMode.Start);
    await Deno.writeFile(path + OLDER, file.readable, { mode: 0o600 });
    await Deno.truncate(path, 0);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
