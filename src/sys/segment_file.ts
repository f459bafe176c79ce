/**
 * A file that only grows, written without holding up who writes: one writer,
 * whole pieces, no sync.
 *
 * What was appended survives the death of this process, not a power cut. A
 * piece that could be written only in part (a full disk) is cut off again.
 *
 * @module
 */

/** An open segment. */
export class SegmentFile implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #size = 0;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Begins a file that only its owner may read. Throws when one is there. */
  static async create(path: string): Promise<SegmentFile> {
    const file = await Deno.open(path, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
    return new SegmentFile(path, file);
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /** Appends; all of it is written, or nothing when this throws. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        done += await this.#file.write(bytes.subarray(done));
      }
    } catch (error) {
      await this.#file.truncate(this.#size);
      await this.#file.seek(this.#size, Deno.SeekMode.Start);
      throw error;
    }
    this.#size += bytes.length;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
