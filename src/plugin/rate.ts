/**
 * How many messages may come in a second: a bucket that fills by itself.
 *
 * What comes a little too fast is turned away one by one, so that a plugin may
 * slow down; what comes ten times too fast does so to do harm, since turning
 * it away costs too, and its process is ended.
 *
 * @module
 */

/** What becomes of a message: taken, turned away, or the last of its sender. */
export type RateAnswer = "passes" | "over" | "flood";

const FLOOD = 10;

/** Counts the messages of one sender. */
export class RateBucket {
  readonly #perSecond: number;
  #left: number;
  #at: number;
  #turnedAway = 0;

  /** `nowMs`, here and below, is of a clock that only goes forward. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = this.#left = perSecond;
    this.#at = nowMs;
  }

  /** Takes one message in. */
  take(nowMs: number): RateAnswer {
    const seconds = Math.max(0, nowMs - this.#at) / 1000;
    this.#at = nowMs;
    const full = this.#perSecond;
    this.#left = Math.min(full, this.#left + seconds * full);
    this.#turnedAway = Math.max(0, this.#turnedAway - seconds * full * FLOOD);
    if (this.#left >= 1) {
      this.#left--;
      return "passes";
    }
    this.#turnedAway++;
    return this.#turnedAway > full * FLOOD ? "flood" : "over";
  }
}
