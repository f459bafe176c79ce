/**
 * The pace of one plugin's asks: so much work a second, and who wants more
 * waits, or is refused when too much waits already.
 *
 * Work counts, not asks: one that looks at every VM of the site costs as much
 * as hundreds of small ones.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Clock } from "../../sys/clock.ts";

/** Nobody waits longer than this for a turn. */
const MAX_WAIT_MS = 2000;

/** Records that are looked at for the price of one ask. */
const RECORDS_PER_ASK = 50;

/** A bucket that fills again with time. */
export class Pace {
  readonly #clock: Clock;
  readonly #plugin: string;
  readonly #perSecond: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, plugin: string, perSecond: number) {
    this.#clock = clock;
    this.#plugin = plugin;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#at = clock.monotonic();
  }

  /** Waits for a turn. Throws `too_many_requests` when that would take too long. */
  async turn(): Promise<void> {
    this.#refill();
    this.#left -= 1;
    if (this.#left >= 0) return;
    const waitMs = -this.#left / this.#perSecond * 1000;
    if (waitMs <= MAX_WAIT_MS) return await this.#clock.sleep(waitMs);
    this.#left += 1;
    throw new UsherError(
      "too_many_requests",
      `Plugin "${this.#plugin}" asks too much: ${this.#perSecond} asks a second are its limit`,
      {
        subject: this.#plugin,
        hint:
          `ask less, or narrower; plugins.${this.#plugin}.limits.rate in ctrl.yaml is the limit`,
      },
    );
  }

  /** The ask looked at so many records. */
  looked(records: number): void {
    this.charge(records / RECORDS_PER_ASK);
  }

  /** The ask cost as much as so many. */
  charge(asks: number): void {
    this.#left -= asks;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const more = (now - this.#at) / 1000 * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + more);
    this.#at = now;
  }
}
