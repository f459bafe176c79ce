/**
 * How much may be recorded: a storm must not push out what was recorded
 * before it.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";

const HOUR_MS = 3_600_000;

/** Of all room, what may be filled at once and in every hour. */
const SHARE = 1 / 20;

/** Bytes that fill again with time. */
export class Allowance {
  readonly #clock: Clock;
  readonly #room: () => number;
  #left: number;
  #at: number;

  /** `bytes`: all the room that there is for recordings. */
  constructor(clock: Clock, bytes: () => number) {
    this.#clock = clock;
    this.#room = bytes;
    this.#left = this.#most;
    this.#at = clock.monotonic();
  }

  get #most(): number {
    return this.#room() * SHARE;
  }

  /** Whether anything may be recorded now: asked before a line is made. */
  get isUsedUp(): boolean {
    this.#refill();
    return this.#left <= 0;
  }

  /** So much was recorded. */
  take(bytes: number): void {
    this.#left -= bytes;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const more = (now - this.#at) / HOUR_MS * this.#most;
    this.#left = Math.min(this.#most, this.#left + more);
    this.#at = now;
  }
}
