/**
 * How much of a guest's memory was sent, told as it grows.
 *
 * @module
 */
import type { Progress } from "../../schema/operation.ts";
import { systemClock } from "../../sys/clock.ts";

const MIB = 1024 * 1024;

/** Tells the progress of one sending, from now on. */
export class SentMemory {
  readonly #memoryBytes: number;
  readonly #onProgress: (progress: Progress) => void;
  readonly #began = systemClock.monotonic();
  #told = -1;

  constructor(memoryMiB: number, onProgress: (progress: Progress) => void) {
    this.#memoryBytes = memoryMiB * MIB;
    this.#onProgress = onProgress;
  }

  /** Tells that so many were sent, if that is new. */
  tell(doneBytes: number): void {
    if (doneBytes === this.#told) return;
    this.#told = doneBytes;
    const seconds = (systemClock.monotonic() - this.#began) / 1000;
    this.#onProgress(progressOf(doneBytes, this.#memoryBytes, seconds));
  }
}

function progressOf(
  doneBytes: number,
  memoryBytes: number,
  seconds: number,
): Progress {
  const bytesPerSecond = seconds > 0 ? doneBytes / seconds : 0;
  // What the guest writes meanwhile is sent again.
  const totalBytes = Math.max(memoryBytes, doneBytes);
  return {
    phase: "memory",
    doneBytes,
    totalBytes,
    bytesPerSecond,
    leftMs: bytesPerSecond > 0
      ? (totalBytes - doneBytes) / bytesPerSecond * 1000
      : null,
  };
}
