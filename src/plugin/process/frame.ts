/**
 * Frames between the controller and the process of a plugin: a small head that
 * both ends read, and a body that the process hands on unread.
 *
 * ```
 * | seal | head bytes (u32) | body bytes (u32) | head: JSON | body |
 * ```
 *
 * The seal is a secret of the sender's: a worker can open the socket of its
 * process and write to it, and cannot know it (docs/decisions/0053).
 *
 * So the process between does no work that grows with what is said, and many
 * calls travel in one frame.
 *
 * @module
 */
const LENGTHS = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOTHING = new Uint8Array();

/** A frame that was read. */
export interface Frame {
  readonly head: unknown;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** How long a frame's parts may be. */
export interface FrameBounds {
  readonly head: number;
  readonly body: number;
}

/** The seal of frames whose sender knows this secret. */
export function sealOf(secret: string): Uint8Array {
  return encoder.encode(secret);
}

/** A frame as bytes. */
export function encodeFrame(
  head: unknown,
  body: Uint8Array = NOTHING,
  seal: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(head));
  const start = seal.length + LENGTHS;
  const bytes = new Uint8Array(start + text.length + body.length);
  const view = new DataView(bytes.buffer, seal.length);
  bytes.set(seal);
  view.setUint32(0, text.length);
  view.setUint32(4, body.length);
  bytes.set(text, start);
  bytes.set(body, start + text.length);
  return bytes;
}

/** Finds the frames in a stream of bytes; it holds one frame at most. */
export class FrameReader {
  readonly #bounds: FrameBounds;
  readonly #seal: Uint8Array;
  readonly #start: number;
  #parts: Uint8Array[] = [];
  #held = 0;
  /** How many bytes the next frame has; 0 while its prefix is not there. */
  #wanted = 0;

  constructor(bounds: FrameBounds, seal: Uint8Array = NOTHING) {
    this.#bounds = bounds;
    this.#seal = seal;
    this.#start = seal.length + LENGTHS;
  }

  /** Takes bytes in; the frames that they complete. Throws for a frame out of bounds, without its seal, or with a head that is no JSON. */
  *push(chunk: Uint8Array): Generator<Frame, void, void> {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      if (this.#wanted === 0) {
        if (this.#held < this.#start) return;
        this.#wanted = this.#length(this.#peek());
      }
      if (this.#held < this.#wanted) return;
      yield this.#take();
    }
  }

  /** What comes before the head. */
  #peek(): Uint8Array {
    if ((this.#parts[0]?.length ?? 0) < this.#start) this.#join();
    return (this.#parts[0] ?? NOTHING).subarray(0, this.#start);
  }

  #length(prefix: Uint8Array): number {
    if (!this.#seal.every((byte, at) => prefix[at] === byte)) {
      throw new Error("A frame has no seal: not its process has written it");
    }
    const view = new DataView(prefix.buffer, prefix.byteOffset);
    const head = view.getUint32(this.#seal.length);
    const body = view.getUint32(this.#seal.length + 4);
    if (head > this.#bounds.head || body > this.#bounds.body) {
      throw new Error(`A frame of ${head} and ${body} bytes is too long`);
    }
    return this.#start + head + body;
  }

  #take(): Frame {
    if ((this.#parts[0]?.length ?? 0) < this.#wanted) this.#join();
    const whole = this.#parts[0] ?? NOTHING;
    const bytes = whole.subarray(0, this.#wanted);
    const rest = whole.subarray(this.#wanted);
    if (rest.length > 0) this.#parts[0] = rest;
    else this.#parts.shift();
    this.#held -= this.#wanted;
    this.#wanted = 0;
    const headEnd = this.#start +
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(this.#seal.length);
    return {
      head: JSON.parse(decoder.decode(bytes.subarray(this.#start, headEnd))),
      // A copy of its own, so that it can be handed over to a worker.
      body: bytes.slice(headEnd),
    };
  }

  #join(): void {
    const all = new Uint8Array(this.#held);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    this.#parts = [all];
  }
}
