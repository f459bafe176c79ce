/**
 * How much of a domain was sent, told as it grows.
 *
 * @module
 */
import type { Progress } from "../../schema/operation.ts";
import { systemClock } from "../../sys/clock.ts";

const EARLY = 100;

/** Tells the progress of one sending, from now on. */
export class SentBytes {
  readonly #phase: string;
  readonly #wholeBytes: number;
  readonly #onProgress: (progress: Progress) => void;
  readonly #began = systemClock.monotonic();
  #told = -1;

  /** `phase` is what is sent, in the words of `Progress`. */
  constructor(
    phase: string,
    wholeBytes: number,
    onProgress: (progress: Progress) => void,
  ) {
    this.#phase = phase;
    this.#wholeBytes = wholeBytes;
    this.#onProgress = onProgress;
  }

  /** Tells that so many were sent, if that is new. */
  tell(doneBytes: number): void {
    if (doneBytes === this.#told) return;
    this.#told = doneBytes;
    const seconds = (systemClock.monotonic() - this.#began) / 1000;
    this.#onProgress({
      phase: this.#phase,
      ...progressOf(doneBytes, this.#wholeBytes, seconds),
    });
  }
}

function progressOf(
  doneBytes: number,
  wholeBytes: number,
  seconds: number,
): Omit<Progress, "phase"> {
  const bytesPerSecond = seconds > 0 ? doneBytes / seconds : 0;
  // What the guest writes meanwhile is sent again.
  const totalBytes = Math.max(wholeBytes, doneBytes);
  return {
    doneBytes,
    totalBytes,
    bytesPerSecond,
    // From its first bytes nothing can be told.
    leftMs: doneBytes * EARLY > totalBytes && bytesPerSecond > 0
      ? (totalBytes - doneBytes) / bytesPerSecond * 1000
      : null,
  };
}
