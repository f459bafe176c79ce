/**
 * How a flood is noted: who is turned away again and again, for one reason,
 * stands in the log a number of times and is counted after that.
 *
 * Else anybody who can reach the controller could push out of the log what was
 * noted before: it has so much room. What is done for somebody who is known is
 * never left out.
 *
 * @module
 */
import type { AuditNote } from "../../schema/audit.ts";
import type { Clock } from "../../sys/clock.ts";

/** From one address for one reason, so many are noted each minute. */
const MOST = 20;
const MINUTE_MS = 60_000;

/** Addresses that are counted by themselves. */
const MAX_KNOWN = 1000;

interface Seen {
  readonly since: number;
  count: number;
}

/** Counts what strangers are refused. */
export class Flood {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many like it were left out before it; null when it is left out itself. */
  passes({ decision, session, address = "", code = "" }: AuditNote):
    | number
    | null {
    if (decision !== "refused" || session !== undefined) return 0;
    const now = this.#clock.monotonic();
    // A name that was never checked is free to choose.
    const isNew = !this.#seen.has(`${address} ${code}`);
    const key = isNew && this.#seen.size >= MAX_KNOWN
      ? "others"
      : `${address} ${code}`;
    const seen = this.#seen.get(key);
    if (seen === undefined || now - seen.since >= MINUTE_MS) {
      this.#seen.delete(key);
      this.#forget(now);
      this.#seen.set(key, { since: now, count: 1 });
      return Math.max(0, (seen?.count ?? 0) - MOST);
    }
    seen.count++;
    return seen.count <= MOST ? 0 : null;
  }

  /** What is over and left nothing out needs no place. */
  #forget(now: number): void {
    if (this.#seen.size < MAX_KNOWN) return;
    for (const [key, { since }] of this.#seen) {
      if (now - since >= MINUTE_MS) this.#seen.delete(key);
    }
  }
}
