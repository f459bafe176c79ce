/**
 * The files of a recording: NDJSON, each named by when it begins. The oldest
 * goes when all together are too large, or it ended too long ago.
 *
 * A controller never goes on with a file of an earlier one, whose last line
 * may be half there.
 *
 * @module
 */
import {
  listFolder,
  makeFolder,
  removeIfThere,
  statOrNull,
} from "../../sys/file.ts";
import { SegmentFile } from "../../sys/segment_file.ts";

/** Files of one recording, when all are full. */
const FILES = 20;

/** A file takes so much of the time that is kept, so that old lines go in time. */
const TIMES = 14;

const NAME = /^(\d{15})\.ndjson$/;

/** How much is kept; looked up whenever it counts. */
export interface Kept {
  readonly folder: string;
  readonly keepMs: number;
  readonly bytes: number;
}

/** One file, as far as its name and size tell. */
interface Segment {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
}

/** The files of a recording, which one controller writes. */
export class Segments implements Disposable {
  readonly #kept: Kept;
  #open: { readonly file: SegmentFile; readonly at: number } | null = null;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /** Appends lines; `now` names a new file when one is due. */
  async append(bytes: Uint8Array, now: number): Promise<void> {
    const { folder, keepMs, bytes: most } = this.#kept;
    const isDue = this.#open === null ||
      this.#open.file.size + bytes.length > most / FILES ||
      Math.abs(now - this.#open.at) > keepMs / TIMES;
    if (isDue) {
      this[Symbol.dispose]();
      await makeFolder(folder);
      await this.sweep(now);
      this.#open = { file: await newFile(folder, now), at: now };
    }
    await this.#open?.file.append(bytes);
  }

  /** Removes what is too old, and the oldest of what is too much. */
  async sweep(now: number): Promise<void> {
    const { folder, keepMs, bytes } = this.#kept;
    const all = await segmentsIn(folder);
    // Room for the file that is written next.
    let left = bytes - bytes / FILES;
    for (const [i, segment] of [...all.entries()].reverse()) {
      left -= segment.bytes;
      // A file spans so much time at most.
      const longest = segment.at + keepMs / TIMES;
      const end = Math.min(all[i + 1]?.at ?? longest, longest);
      const isOpen = segment.path === this.#open?.file.path;
      if (isOpen || (left >= 0 && end >= now - keepMs)) continue;
      await removeIfThere(segment.path);
    }
  }

  [Symbol.dispose](): void {
    this.#open?.file[Symbol.dispose]();
    this.#open = null;
  }
}

/** The files of a recording, in the order of their beginnings. */
export async function segmentsIn(folder: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of await listFolder(folder)) {
    const at = NAME.exec(name)?.[1];
    if (at === undefined) continue;
    const path = `${folder}/${name}`;
    const bytes = (await statOrNull(path))?.size ?? 0;
    segments.push({ path, at: Number(at), bytes });
  }
  return segments;
}

async function newFile(folder: string, now: number): Promise<SegmentFile> {
  // After the last, whatever the clock says, so that names keep the order.
  const last = (await segmentsIn(folder)).at(-1)?.at ?? 0;
  const at = Math.max(Math.floor(now), last + 1);
  const name = String(at).padStart(15, "0");
  return await SegmentFile.create(`${folder}/${name}.ndjson`);
}
