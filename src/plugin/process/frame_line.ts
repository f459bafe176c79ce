/**
 * A connection on which frames go both ways, one after another.
 *
 * Whoever sends does not wait: what cannot be sent any more is told to whoever
 * made the line, who knows what else is to end.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import {
  encodeFrame,
  type Frame,
  type FrameParts,
  FrameReader,
} from "./frame.ts";

/**
 * So much is read at a time. What is longer comes in many reads, between which
 * whoever else waits has its turn.
 */
const READ_BYTES = 64 * 1024;

/** What a line is made with. */
export interface LineParts {
  readonly connection: ByteConnection;
  /** What frames from here begin with, and those from there. */
  readonly seals: { readonly own?: Uint8Array; readonly peer?: Uint8Array };
  /** The longest body that may come. */
  maxBody(): number;
  /** Nothing can be sent any more. */
  onBroken(why: string): void;
}

/** One end of a line. */
export class FrameLine {
  readonly #parts: LineParts;
  readonly #reader: FrameReader;
  #out: Uint8Array[] = [];
  #isWriting = false;
  #isClosed = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#reader = new FrameReader(() => parts.maxBody(), parts.seals.peer);
  }

  /** Sends a frame after those before it; nothing happens once the line is closed. */
  send(parts: FrameParts): void {
    if (this.#isClosed) return;
    this.#out.push(encodeFrame(parts, this.#parts.seals.own));
    if (!this.#isWriting) void this.#write();
  }

  /**
   * Gives `take` each frame that comes; resolves once the peer has ended, or
   * the line is closed. Rejects when what comes is no frame.
   */
  async read(take: (frame: Frame) => void): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    const takeOpen = (frame: Frame) => {
      if (!this.#isClosed) take(frame);
    };
    try {
      while (!this.#isClosed) {
        const count = await this.#parts.connection.read(buffer);
        if (count === null || this.#isClosed) return;
        this.#reader.push(buffer.subarray(0, count), takeOpen);
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  /** Ends it at once; what was not sent is not. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#out = [];
    this.#parts.connection.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (
        let next = this.#out.shift();
        next !== undefined;
        next = this.#out.shift()
      ) await this.#parts.connection.writeAll(next);
    } catch (error) {
      if (!this.#isClosed) this.#parts.onBroken(messageOf(error));
    } finally {
      this.#isWriting = false;
    }
  }
}
