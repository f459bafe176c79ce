/**
 * Reliable frames over links that die: numbering, acknowledging, replaying.
 *
 * The sender keeps every reliable frame until the peer acknowledged it, and
 * sends the rest again when the session is resumed; the receiver drops what
 * it has seen. When too much is kept, or either side lost its memory, the
 * session is not resumed and a full `hello` settles everything instead. A
 * number that is missing ends the session: what came later must not hide it.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";

/** What every frame may carry. */
export interface Envelope {
  seq?: number | undefined;
  ack?: number | undefined;
}

/** Frames sent and not yet acknowledged. */
export class Outbox<Frame extends Envelope> {
  #next = 1;
  #kept: Frame[] = [];
  #overflowed = false;
  readonly #limit: number;

  /** Keeps `limit` frames at most. */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Numbers `frame` and keeps it until it is acknowledged. */
  add(frame: Frame): Frame {
    const numbered = { ...frame, seq: this.#next++ };
    this.#kept.push(numbered);
    if (this.#kept.length > this.#limit) {
      this.#kept.shift();
      this.#overflowed = true;
    }
    return numbered;
  }

  /** The peer has seen everything up to `seq`. */
  acknowledge(seq: number): void {
    let count = 0;
    while (count < this.#kept.length && (this.#kept[count]?.seq ?? 0) <= seq) {
      count++;
    }
    if (count > 0) this.#kept.splice(0, count);
    if (this.#kept.length === 0) this.#overflowed = false;
  }

  /** Whether everything the peer has not seen is still here. */
  get complete(): boolean {
    return !this.#overflowed;
  }

  /** What the peer has not acknowledged, in order. */
  unacknowledged(): readonly Frame[] {
    return this.#kept;
  }
}

/** Which of the peer's reliable frames were seen. */
export class Inbox {
  #seen = 0;

  /** The last number seen. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Whether a frame is new; notes it as seen. Unnumbered frames always are.
   * Throws `invalid_input` when one before it is missing.
   */
  accept(seq: number | undefined): boolean {
    if (seq === undefined) return true;
    if (seq <= this.#seen) return false;
    if (seq !== this.#seen + 1) {
      throw new UsherError(
        "invalid_input",
        `Frame ${seq} came after frame ${this.#seen}: what is between is missing`,
      );
    }
    this.#seen = seq;
    return true;
  }
}
