/**
 * A file that only grows: one writer, whole lines, no sync.
 *
 * What was appended survives the death of this process, since the kernel has
 * it; it does not survive a power cut. A line that could be written only in
 * part (a full disk) is cut off again, so the next line starts clean.
 *
 * @module
 */

/** An open file of lines. */
export class AppendFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #size: number;

  private constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Opens `path`, making it when it is not there; `keep` cuts off what follows that many bytes. */
  static open(path: string, keep?: number): AppendFile {
    const file = Deno.openSync(path, {
      write: true,
      create: true,
      mode: 0o600,
    });
    if (keep !== undefined) file.truncateSync(keep);
    return new AppendFile(file, file.seekSync(0, Deno.SeekMode.End));
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /** Appends one line; it is written, or not there at all when this throws. */
  append(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    try {
      for (let done = 0; done < bytes.length;) {
        done += this.#file.writeSync(bytes.subarray(done));
      }
    } catch (error) {
      this.#file.truncateSync(this.#size);
      this.#file.seekSync(this.#size, Deno.SeekMode.Start);
      throw error;
    }
    this.#size += bytes.length;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
