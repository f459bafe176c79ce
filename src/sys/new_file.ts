/**
 * A file that is there whole or not at all: written beside its place, synced,
 * and put there by its last act.
 *
 * @module
 */
import { dirname } from "node:path";
import { removeIfThere, syncFolder } from "./file.ts";

/** A file being written. */
export class NewFile implements AsyncDisposable {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  private constructor(path: string, temporary: string, file: Deno.FsFile) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** Begins a file that nobody but its owner may read. */
  static async open(path: string): Promise<NewFile> {
    const temporary = `${path}.${crypto.randomUUID()}.tmp`;
    const file = await Deno.open(temporary, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
    return new NewFile(path, temporary, file);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.#file.write(bytes.subarray(done));
    }
  }

  /**
   * Puts the file in its place, durably. Without `replace` it throws
   * `AlreadyExists` when something is there, whenever that came.
   */
  async finish({ replace }: { readonly replace: boolean }): Promise<void> {
    await this.#file.syncData();
    this.#close();
    if (replace) await Deno.rename(this.#temporary, this.#path);
    else {
      await Deno.link(this.#temporary, this.#path);
      await Deno.remove(this.#temporary);
    }
    await syncFolder(dirname(this.#path));
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  /** Removes what was not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    await removeIfThere(this.#temporary);
  }
}
