/**
 * How a flood is noted: who is turned away again and again, for one reason,
 * stands in the log a number of times and is counted after that.
 *
 * Else anybody who can reach the controller could push out of the log what was
 * noted before: it has so much room. Somebody who is known could, too, so a
 * session has a number of its own, a larger one. What is done for somebody is
 * never left out.
 *
 * @module
 */
import type { AuditNote } from "../../schema/audit.ts";
import type { Clock } from "../../sys/clock.ts";
import { networkOf } from "../auth/network.ts";

/** From one network for one reason, so many are noted each minute. */
const MOST = 20;
/** Of one session for one reason. */
const MOST_OF_SESSION = 200;
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
  passes(note: AuditNote): number | null {
    if (!isTurnedAway(note)) return 0;
    const most = note.session === undefined ? MOST : MOST_OF_SESSION;
    const now = this.#clock.monotonic();
    const whose = nameOf(note);
    const isNew = !this.#seen.has(whose);
    const key = isNew && this.#seen.size >= MAX_KNOWN ? "others" : whose;
    const seen = this.#seen.get(key);
    if (seen === undefined || now - seen.since >= MINUTE_MS) {
      this.#seen.delete(key);
      this.#forget(now);
      this.#seen.set(key, { since: now, count: 1 });
      return Math.max(0, (seen?.count ?? 0) - most);
    }
    seen.count++;
    return seen.count <= most ? 0 : null;
  }

  /** What is over and left nothing out needs no place. */
  #forget(now: number): void {
    if (this.#seen.size < MAX_KNOWN) return;
    for (const [key, { since }] of this.#seen) {
      if (now - since >= MINUTE_MS) this.#seen.delete(key);
    }
  }
}

/** Not by the name of the user: a stranger is free to choose one. */
function nameOf({ session, address = "", code = "" }: AuditNote): string {
  return `${session ?? networkOf(address)} ${code}`;
}

/** A node that could not be checked may be anybody, too. */
function isTurnedAway({ decision, via }: AuditNote): boolean {
  return decision === "refused" || decision === "failed" && via === "node";
}
