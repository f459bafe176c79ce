/**
 * The limit that a user has set to what a move sends.
 *
 * @module
 */
import { type Clock, systemClock } from "../../sys/clock.ts";

/** Keeps what is handed on, piece by piece, to so many bytes a second. */
export class Pace {
  readonly #bytesPerMs: number;
  readonly #clock: Clock;
  /** When all that went before would be over at that speed. */
  #until = 0;

  /** Null sets no limit. */
  constructor(bytesPerSecond: number | null, clock: Clock = systemClock) {
    this.#bytesPerMs = (bytesPerSecond ?? Infinity) / 1000;
    this.#clock = clock;
  }

  /** Counts a piece that went; resolves once the next one may. */
  async spend(bytes: number): Promise<void> {
    const now = this.#clock.monotonic();
    this.#until = Math.max(this.#until, now) + bytes / this.#bytesPerMs;
    const ms = this.#until - now;
    if (ms > 0) await this.#clock.sleep(ms);
  }
}
