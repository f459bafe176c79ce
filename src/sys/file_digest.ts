/**
 * What is in a file, as a short text: the same for the same content, on every
 * machine.
 *
 * Reading a large file takes long, so what was found is kept for as long as
 * the file stays the same to the eye (its inode, its size, its times).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readTextOrNull, writeDurably } from "./file.ts";

const PIECE_BYTES = 1024 * 1024;
const REMEMBERED = 200;

/** Digests of files, kept in a file of their own. */
export class Digests {
  readonly #path: string;
  #known: Map<string, { seen: string; digest: string }> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** The digest of `path`. Aborting `signal` ends the reading. */
  async of(path: string, signal: AbortSignal): Promise<string> {
    const known = await this.#load();
    const seen = await look(path);
    const held = known.get(path);
    if (held?.seen === seen) return held.digest;
    const digest = await read(path, signal);
    // Written to meanwhile: then it is neither the old content nor the new.
    if (await look(path) !== seen) {
      throw new Error(`${path} changes while it is read`);
    }
    known.delete(path);
    known.set(path, { seen, digest });
    if (known.size > REMEMBERED) known.delete(known.keys().next().value ?? "");
    await writeDurably(this.#path, JSON.stringify([...known]));
    return digest;
  }

  async #load(): Promise<Map<string, { seen: string; digest: string }>> {
    if (this.#known !== null) return this.#known;
    try {
      const text = await readTextOrNull(this.#path);
      this.#known = new Map(JSON.parse(text ?? "[]"));
    } catch {
      this.#known = new Map(); // damaged: read the files again
    }
    return this.#known;
  }
}

/** The SHA-256 of these bytes, one after another, in hex. */
export function sha256Hex(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

async function look(path: string): Promise<string> {
  const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
  return JSON.stringify([dev, ino, size, mtime, ctime]);
}

async function read(path: string, signal: AbortSignal): Promise<string> {
  using file = await Deno.open(path, { read: true });
  const hash = createHash("sha256");
  const piece = new Uint8Array(PIECE_BYTES);
  let size = 0;
  for (;;) {
    signal.throwIfAborted();
    const count = await file.read(piece);
    if (count === null) return `${size}:${hash.digest("hex")}`;
    hash.update(piece.subarray(0, count));
    size += count;
  }
}

/** The first bytes of a file; fewer when it is shorter. */
export async function readStart(
  path: string,
  bytes: number,
): Promise<Uint8Array> {
  using file = await Deno.open(path, { read: true });
  const piece = new Uint8Array(bytes);
  return piece.subarray(0, await file.read(piece) ?? 0);
}
