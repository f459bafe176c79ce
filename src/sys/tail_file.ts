/**
 * Following a file that another process appends to, from its end on.
 *
 * The file is looked at again and again while somebody reads: the kernel's
 * news of changes would cost a watch for each reader, and tells nothing of a
 * file on another machine.
 *
 * @module
 */
import { sleep } from "./sleep.ts";

const LOOK_MS = 50;

/** A file that is followed. */
export interface Tail {
  /** Fills the start of `buffer` with what is new, once there is something; null after `close`. */
  read(buffer: Uint8Array): Promise<number | null>;
  close(): void;
}

/** Follows the file at `path` from its end. One that is cut is read from its start. */
export async function tailFile(path: string): Promise<Tail> {
  const file = await Deno.open(path, { read: true });
  let at = await file.seek(0, Deno.SeekMode.End);
  const closing = new AbortController();
  return {
    async read(buffer) {
      while (!closing.signal.aborted) {
        const count = await file.read(buffer);
        if (count !== null) {
          at += count;
          return count;
        }
        if ((await file.stat()).size < at) {
          at = await file.seek(0, Deno.SeekMode.Start);
        } else await sleep(LOOK_MS, closing.signal).catch(() => {});
      }
      file.close();
      return null;
    },
    close: () => closing.abort(),
  };
}
