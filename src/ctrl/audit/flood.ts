/**
 * How a flood is noted: what somebody is turned away with again and again, or
 * fails in, for one reason, stands in the log a number of times and is counted
 * after that.
 *
 * Else anybody who can reach the controller could push out of the log what was
 * noted before: it has so much room. Somebody who is known could, too, so a
 * user has a number of their own, a larger one, however many sessions and
 * tokens they have. What is done for somebody is never left out, nor what the
 * controller does by itself.
 *
 * @module
 */
import type { AuditNote } from "../../schema/audit.ts";
import type { Clock } from "../../sys/clock.ts";
import { networkOf } from "../auth/network.ts";

/** From one network for one reason, so many are noted each minute. */
const MOST = 20;
/** Of one user for one reason. */
export const MOST_OF_USER = 200;
export const MINUTE_MS = 60_000;

/** Who is counted by themselves. */
const MAX_KNOWN = 1000;

interface Seen {
  readonly since: number;
  readonly most: number;
  count: number;
  last: AuditNote;
}

/** Counts what is refused and what fails. */
export class Flood {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many like it were left out before it; null when it is left out itself. */
  passes(note: AuditNote): number | null {
    if (!isCounted(note)) return 0;
    const now = this.#clock.monotonic();
    const whose = nameOf(note);
    const isNew = !this.#seen.has(whose);
    const key = isNew && this.#seen.size >= MAX_KNOWN ? "others" : whose;
    const seen = this.#seen.get(key);
    if (seen === undefined || now - seen.since >= MINUTE_MS) {
      this.#seen.delete(key);
      this.#forget(now);
      const most = isKnown(note) ? MOST_OF_USER : MOST;
      this.#seen.set(key, { since: now, most, count: 1, last: note });
      return seen === undefined ? 0 : leftOut(seen);
    }
    seen.last = note;
    seen.count++;
    return seen.count <= seen.most ? 0 : null;
  }

  /** The last of each flood that is over, with how many were left out and not told of yet. */
  *over(): Generator<{ readonly note: AuditNote; readonly more: number }> {
    const now = this.#clock.monotonic();
    for (const [key, seen] of this.#seen) {
      if (now - seen.since < MINUTE_MS) continue;
      this.#seen.delete(key);
      const more = leftOut(seen);
      if (more > 0) yield { note: seen.last, more };
    }
  }

  /** What is over and left nothing out needs no place. */
  #forget(now: number): void {
    if (this.#seen.size < MAX_KNOWN) return;
    for (const [key, seen] of this.#seen) {
      if (now - seen.since >= MINUTE_MS && leftOut(seen) === 0) {
        this.#seen.delete(key);
      }
    }
  }
}

function leftOut({ count, most }: Seen): number {
  return Math.max(0, count - most);
}

/** Not by the name of the user where that is a stranger's, who is free to choose one. */
function nameOf(note: AuditNote): string {
  const { user, plugin, address = "", code = "" } = note;
  const who = plugin !== undefined
    ? `plugin ${plugin}`
    : isKnown(note)
    ? `user ${user}`
    : networkOf(address);
  return `${who} ${code}`;
}

function isKnown({ session, plugin }: AuditNote): boolean {
  return session !== undefined || plugin !== undefined;
}

function isCounted({ decision, via }: AuditNote): boolean {
  return via !== "controller" &&
    (decision === "refused" || decision === "failed");
}
