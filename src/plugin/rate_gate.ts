/**
 * A bound on how often something may happen in a second.
 *
 * @module
 */
import type { Clock } from "../sys/clock.ts";

/** Lets `rate` a second through, counted by whole seconds of a clock. */
export class RateGate {
  readonly #clock: Clock;
  readonly #rate: number;
  #second = -1;
  #count = 0;

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Whether the last one was the first of this second that did not pass. */
  get isFirstOver(): boolean {
    return this.#count === this.#rate + 1;
  }

  /** Whether one more may pass. */
  passes(): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    return ++this.#count <= this.#rate;
  }
}
