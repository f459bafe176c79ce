/**
 * A bound on how often something may happen in a second.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";

/** So many times its rate, and what comes is meant to do harm. */
const FLOOD = 10;

/** Lets `rate` a second through, counted by whole seconds of a clock. */
export class RateGate {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #rate: number;
  #second = -1;
  #count = 0;

  constructor(clock: Pick<Clock, "monotonic">, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Whether the last one was the first of this second that did not pass. */
  get isFirstOver(): boolean {
    return this.#count === this.#rate + 1;
  }

  /** Whether so many have come in this second that turning them away is work. */
  get isFlood(): boolean {
    return this.#count > this.#rate * FLOOD;
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
