/**
 * Lines on their way to a peer, as a stream that is read at the peer's pace.
 *
 * What waits together leaves as one piece: a piece costs both ends far more
 * than its bytes, and an operation on a thousand VMs sends a thousand lines at
 * once. A lone line leaves at once.
 *
 * @module
 */

import type { Clock } from "../sys/clock.ts";

const encoder = new TextEncoder();

/** How a writer treats its reader. */
export interface LineWriterOptions {
  /** Told when the reader goes away, or is cut off. */
  readonly onGone: () => void;
  /** A reader that takes nothing for `ms` while lines wait is cut off. */
  readonly stall?: { readonly ms: number; readonly clock: Clock };
}

/** Writes values as NDJSON to `stream`. */
export class LineWriter {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: LineWriterOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #lines: string[] = [];
  #behind = 0;
  #hasEnded = false;
  #failure: unknown;
  /** The reader waits for a piece, and none is on its way. */
  #isWanted = false;
  #wake: () => void = () => {};
  #taken = Promise.withResolvers<void>();
  #stall: Disposable | undefined;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#leave(),
    }, { highWaterMark: 0 });
  }

  /** How much the reader has not taken yet, in UTF-16 units. */
  get behind(): number {
    return this.#behind;
  }

  /** Adds a line. After the end nothing happens. */
  write(value: unknown): void {
    if (this.#hasEnded) return;
    const line = JSON.stringify(value);
    this.#lines.push(line);
    this.#behind += line.length + 1;
    const { stall } = this.#options;
    if (stall !== undefined) {
      const { clock, ms } = stall;
      this.#stall ??= clock.after(ms, () => this.#cutOff(ms));
    }
    this.#deliver();
  }

  /** Resolves once the reader is behind by `limit` at most, or is gone. */
  async untilBehind(limit: number): Promise<void> {
    while (this.#behind > limit && !this.#hasEnded) await this.#taken.promise;
  }

  /**
   * Ends the stream once what was written has been read; with a `failure` so
   * that the reader can tell it from a good end.
   */
  end(failure?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failure = failure;
    this.#taken.resolve();
    this.#deliver();
  }

  /** Lets all that is about to be written in this turn be written first. */
  #deliver(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    queueMicrotask(this.#wake);
  }

  async #pull(): Promise<void> {
    if (this.#lines.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#isWanted = true;
      });
    }
    if (this.#lines.length > 0) this.#hand();
    else if (this.#failure === undefined) this.#controller.close();
    else this.#controller.error(this.#failure);
  }

  /** Gives the reader all that waits. */
  #hand(): void {
    const text = `${this.#lines.join("\n")}\n`;
    this.#forget();
    this.#taken.resolve();
    this.#taken = Promise.withResolvers<void>();
    this.#controller.enqueue(encoder.encode(text));
  }

  #forget(): void {
    this.#lines = [];
    this.#behind = 0;
    this.#stall?.[Symbol.dispose]();
    this.#stall = undefined;
  }

  #cutOff(ms: number): void {
    this.#controller.error(new Error(`The reader took nothing for ${ms} ms`));
    this.#leave();
  }

  #leave(): void {
    this.#hasEnded = true;
    this.#forget();
    this.#wake();
    this.#taken.resolve();
    this.#options.onGone();
  }
}
