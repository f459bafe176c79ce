/**
 * Whether a file of this node is the same as another node's, by all that is in
 * it. A guest whose base image differs in a single block is a broken guest, so
 * a size, a name and a date prove nothing.
 *
 * A large file takes long to read, and does so once. What cannot be read in
 * time, and an image that stands on yet another, counts as unknown, and is
 * the same as nothing.
 *
 * @module
 */
import type { DriverContext } from "../../driver.ts";
import { messageOf } from "../../../error/mod.ts";
import { Digests } from "../../../sys/file_digest.ts";
import { statOrNull } from "../../../sys/file.ts";
import { hasBackingFile } from "../../qcow2.ts";

/** How long the files of one disk may be read. */
const READ_MS = 20_000;

/** Compares files of this node with what others say of theirs. */
export class Sameness {
  readonly #digests: Digests;
  readonly #log: DriverContext["log"];

  /** `memory` is the file that keeps what was read. */
  constructor(memory: string, log: DriverContext["log"]) {
    this.#digests = new Digests(memory);
    this.#log = log;
  }

  /** What `path` is; null when that cannot be told. */
  async identify(path: string): Promise<string | null> {
    try {
      if (await hasBackingFile(path) === true) return null;
      return await this.#digests.of(path, AbortSignal.timeout(READ_MS));
    } catch (error) {
      this.#log("warn", "cannot tell what a file is", {
        path,
        error: messageOf(error),
      });
      return null;
    }
  }

  /** Whether `path` is here, and is what another node says it is. */
  async holds(path: string, other: string | null): Promise<boolean> {
    const found = await statOrNull(path);
    // The size stands first in an identity, and is known without reading.
    if (found === null || other === null) return false;
    if (!other.startsWith(`${found.size}:`)) return false;
    return await this.identify(path) === other;
  }
}
