/**
 * Acts that were noted as allowed and then failed, by user: who has had too
 * many within a minute is asked to wait.
 *
 * Such an act is two records, the first of which cannot be left out: it is made
 * before anybody knows what comes of it. So it is the act that is turned away,
 * or a user who does what must fail, over and over, would push out of the log
 * what was noted before. Requests for VMs are no such acts: they are noted once
 * it is known what they become.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Clock } from "../../sys/clock.ts";
import { MINUTE_MS, MOST_OF_USER } from "./flood.ts";

interface Failing {
  readonly since: number;
  count: number;
}

/** Whose acts fail, and how often. */
export class FailingActs {
  readonly #clock: Clock;
  readonly #failing = new Map<string, Failing>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An act of theirs was allowed, and failed. */
  failed(user: string): void {
    const failing = this.#of(user);
    if (failing !== undefined) failing.count++;
    else {
      const since = this.#clock.monotonic();
      this.#failing.set(user, { since, count: 1 });
    }
  }

  /** Throws `too_many_requests` where they have to wait before the next. */
  requireCalm(user: string): void {
    const failing = this.#of(user);
    if (failing === undefined || failing.count < MOST_OF_USER) return;
    const left = failing.since + MINUTE_MS - this.#clock.monotonic();
    throw new UsherError(
      "too_many_requests",
      `Of what "${user}" asked for, ${MOST_OF_USER} acts failed within a minute`,
      {
        subject: user,
        hint: `try again in ${Math.ceil(left / 1000)} s`,
      },
    );
  }

  /** What was counted in this minute; those of earlier ones are forgotten here. */
  #of(user: string): Failing | undefined {
    const failing = this.#failing.get(user);
    if (failing === undefined) return undefined;
    if (this.#clock.monotonic() - failing.since < MINUTE_MS) return failing;
    this.#failing.delete(user);
    return undefined;
  }
}
