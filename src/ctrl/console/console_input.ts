/**
 * What a client typed at a console, on its way to the guest.
 *
 * It is kept until the guest takes it, and no more than so much: a guest that
 * reads nothing must not fill the controller.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";

/** What may be typed that the guest has not taken. */
const MAX_TYPED_BYTES = 1024 * 1024;

/** What a client typed on its way to the guest; more than fits ends the console. */
export class ConsoleInput {
  readonly #onBroken: (error: UsherError) => void;
  #early: ArrayBuffer[] = [];
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #waiting = 0;
  #isBroken = false;

  constructor(onBroken: (error: UsherError) => void) {
    this.#onBroken = onBroken;
  }

  add(bytes: ArrayBuffer): void {
    if (this.#isBroken) return;
    this.#waiting += bytes.byteLength;
    if (this.#waiting > MAX_TYPED_BYTES) return this.#break();
    if (this.#writer === null) this.#early.push(bytes);
    else this.#write(this.#writer, bytes);
  }

  /** The guest listens now, also to what was typed before. */
  goesTo(writer: WritableStreamDefaultWriter<Uint8Array>): void {
    this.#writer = writer;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#write(writer, bytes);
  }

  end(): void {
    this.#writer?.close().catch(() => {});
  }

  #write(
    writer: WritableStreamDefaultWriter<Uint8Array>,
    bytes: ArrayBuffer,
  ): void {
    writer.write(new Uint8Array(bytes)).then(
      () => this.#waiting -= bytes.byteLength,
      () => this.#break(),
    );
  }

  #break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#early = [];
    this.#onBroken(
      new UsherError(
        "unavailable",
        "The console was closed: the guest does not take what is typed",
      ),
    );
  }
}
