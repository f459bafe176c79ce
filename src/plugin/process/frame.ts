/**
 * Frames between the controller and a plugin's process, or a worker in it: a
 * prefix of fixed length, and a text.
 *
 * ```
 * | seal | kind u8 | number u32 | body bytes u32 | body: UTF-8 |
 * ```
 *
 * The seal is a secret of the sender's: a plugin can open any socket of its
 * process and write to it, and cannot know it (docs/decisions/0053).
 *
 * Every call passes through here four times, so nothing is JSON that need not
 * be, and nothing is copied that is read at once (docs/decisions/0076).
 *
 * @module
 */
const encoder = new TextEncoder();
const NOTHING = new Uint8Array();

/** Bytes between the seal and the body. */
const PREFIX_BYTES = 9;
/** Up to so many characters room for the longest encoding is cheaper than measuring. */
const SHORT_TEXT = 16 * 1024;

/** What a frame says. */
export interface FrameParts {
  /** What it is; the protocol says which kinds there are. */
  readonly kind: number;
  /** Which worker it is about, or which question. */
  readonly number: number;
  readonly text?: string;
}

/** A frame that was read. */
export interface Frame {
  readonly kind: number;
  readonly number: number;
  /** UTF-8. Gone once whoever takes the frame returns. */
  readonly body: Uint8Array;
}

/** The seal of frames whose sender knows this secret. */
export function sealOf(secret: string): Uint8Array {
  return encoder.encode(secret);
}

/** A frame as bytes. */
export function encodeFrame(
  { kind, number, text = "" }: FrameParts,
  seal: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  const start = seal.length + PREFIX_BYTES;
  const encoded = text.length > SHORT_TEXT ? encoder.encode(text) : null;
  const room = encoded?.length ?? text.length * 3;
  const bytes = new Uint8Array(start + room);
  let length = room;
  if (encoded !== null) bytes.set(encoded, start);
  else length = encoder.encodeInto(text, bytes.subarray(start)).written;
  const view = new DataView(bytes.buffer);
  bytes.set(seal);
  const at = seal.length;
  view.setUint8(at, kind);
  view.setUint32(at + 1, number);
  view.setUint32(at + 5, length);
  return bytes.subarray(0, start + length);
}

/** Finds the frames in a stream of bytes; it holds one frame at most. */
export class FrameReader {
  readonly #maxBody: () => number;
  readonly #seal: Uint8Array;
  readonly #start: number;
  #parts: Uint8Array[] = [];
  #held = 0;
  /** How many bytes the next frame has; 0 while its prefix is not there. */
  #wanted = 0;

  /** `maxBody`: the most bytes that a body may have now. */
  constructor(maxBody: () => number, seal: Uint8Array = NOTHING) {
    this.#maxBody = maxBody;
    this.#seal = seal;
    this.#start = seal.length + PREFIX_BYTES;
  }

  /**
   * Takes bytes in, which are the caller's again once it returns, and gives
   * `take` the frames that they complete. Throws for a frame out of bounds or
   * without its seal.
   */
  push(chunk: Uint8Array, take: (frame: Frame) => void): void {
    let rest = chunk;
    if (this.#held > 0) {
      this.#parts.push(chunk.slice());
      this.#held += chunk.length;
      if (this.#wanted > 0 && this.#held < this.#wanted) return;
      rest = this.#join();
    }
    for (;;) {
      this.#wanted = rest.length < this.#start ? 0 : this.#length(rest);
      if (this.#wanted === 0 || rest.length < this.#wanted) break;
      const whole = rest.subarray(0, this.#wanted);
      rest = rest.subarray(this.#wanted);
      take(this.#frame(whole));
    }
    this.#parts = rest.length === 0 ? [] : [rest.slice()];
    this.#held = rest.length;
  }

  #length(prefix: Uint8Array): number {
    const seal = this.#seal;
    for (let at = 0; at < seal.length; at++) {
      if (seal[at] !== prefix[at]) {
        throw new Error("A frame has no seal: not its process has written it");
      }
    }
    const body = viewOf(prefix, seal.length).getUint32(5);
    if (body > this.#maxBody()) {
      throw new Error(`A frame of ${body} bytes is too long`);
    }
    return this.#start + body;
  }

  #frame(bytes: Uint8Array): Frame {
    const view = viewOf(bytes, this.#seal.length);
    return {
      kind: view.getUint8(0),
      number: view.getUint32(1),
      body: bytes.subarray(this.#start),
    };
  }

  #join(): Uint8Array {
    const [first] = this.#parts;
    if (first !== undefined && this.#parts.length === 1) return first;
    const all = new Uint8Array(this.#held);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function viewOf(bytes: Uint8Array, from: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + from);
}
