/**
 * Frames between the controller and the process of a plugin: a small head that
 * both ends read, and a body that the process hands on unread.
 *
 * ```
 * | head bytes (u32) | body bytes (u32) | head: JSON | body |
 * ```
 *
 * So the process between does no work that grows with what is said, and many
 * calls travel in one frame.
 *
 * @module
 */
const PREFIX = 8;
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

/** A frame as bytes. */
export function encodeFrame(
  head: unknown,
  body: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(head));
  const bytes = new Uint8Array(PREFIX + text.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, body.length);
  bytes.set(text, PREFIX);
  bytes.set(body, PREFIX + text.length);
  return bytes;
}

/** Finds the frames in a stream of bytes; it holds one frame at most. */
export class FrameReader {
  readonly #bounds: FrameBounds;
  #parts: Uint8Array[] = [];
  #held = 0;
  /** How many bytes the next frame has; 0 while its prefix is not there. */
  #wanted = 0;

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds;
  }

  /** Takes bytes in; the frames that they complete. Throws for a frame out of bounds, or with a head that is no JSON. */
  *push(chunk: Uint8Array): Generator<Frame, void, void> {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      if (this.#wanted === 0) {
        if (this.#held < PREFIX) return;
        this.#wanted = this.#length(this.#peek());
      }
      if (this.#held < this.#wanted) return;
      yield this.#take();
    }
  }

  #peek(): DataView {
    if ((this.#parts[0]?.length ?? 0) < PREFIX) this.#join();
    const { buffer, byteOffset } = this.#parts[0] ?? NOTHING;
    return new DataView(buffer, byteOffset, PREFIX);
  }

  #length(prefix: DataView): number {
    const head = prefix.getUint32(0);
    const body = prefix.getUint32(4);
    if (head > this.#bounds.head || body > this.#bounds.body) {
      throw new Error(`A frame of ${head} and ${body} bytes is too long`);
    }
    return PREFIX + head + body;
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
    const headEnd = PREFIX +
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    return {
      head: JSON.parse(decoder.decode(bytes.subarray(PREFIX, headEnd))),
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
