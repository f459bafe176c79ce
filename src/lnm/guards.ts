/**
 * The guards of this node: told of its lease, and asked what they have.
 *
 * A lease is the controller's answer to a beat of ours and counts from when
 * that was sent (`core/lease.ts`). What a guard has in hand is told to the
 * controller as it changes; what a guard has paused is asked about until the
 * controller has said which of it is still ours. A guard that cannot be
 * reached has nothing in hand.
 *
 * @module
 */
import { leaseEnd } from "../core/lease.ts";
import type { Guarding, GuardReport } from "../driver/driver.ts";
import { messageOf } from "../error/mod.ts";
import type { UpFrame } from "../schema/frame.ts";
import { type Clock, Deadline } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** How long a guard may take to answer. */
const ANSWER_MS = 5000;

/** What guards are spoken to with. */
export interface GuardsParts {
  readonly drivers: {
    all(): Iterable<{ readonly name: string; readonly guarding?: Guarding }>;
  };
  readonly clock: Clock;
  readonly log: Log;
}

/** All guards of a node. */
export class Guards {
  readonly #parts: GuardsParts;
  readonly #send: (frame: UpFrame) => void;
  /** The end of the newest lease, in boot time. */
  #until = 0;
  #leaseMs = 0;
  #report: GuardReport = NOTHING;
  /** What this session's controller was told of last. */
  #told = "";
  #isRenewing = false;
  #isAgain = false;

  constructor(parts: GuardsParts, send: (frame: UpFrame) => void) {
    this.#parts = parts;
    this.#send = send;
  }

  /** A session began: its controller knows nothing of our guards yet. */
  began(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#told = "";
  }

  /** The controller has heard the beat that was sent at `at`. */
  leased(at: number): void {
    const until = leaseEnd(at, this.#leaseMs);
    if (until <= this.#until || until <= this.#parts.clock.boot()) return;
    this.#until = until;
    this.#isAgain = true;
    if (!this.#isRenewing) void this.#renewAll();
  }

  /** Asks about what is held, when the controller can tell. */
  ask(): void {
    const { held } = this.#report;
    if (Object.keys(held).length === 0) return;
    this.#send({ type: "held", domains: held });
  }

  /**
   * The controller says that these are still ours. It is as good as the lease
   * of the session that it came over, and no later one.
   */
  async release(uids: readonly string[]): Promise<void> {
    const until = this.#until;
    await this.#each((guarding, signal) =>
      guarding.release(uids, until, signal)
    );
  }

  async #renewAll(): Promise<void> {
    this.#isRenewing = true;
    // From the last look at `#isAgain` to the end nothing is waited for.
    while (this.#isAgain) {
      this.#isAgain = false;
      const until = this.#until;
      const reports = await this.#each((guarding, signal) =>
        guarding.renew(until, signal)
      );
      this.#report = {
        guarded: Object.assign({}, ...reports.map(({ guarded }) => guarded)),
        held: Object.assign({}, ...reports.map(({ held }) => held)),
      };
      this.#tell();
    }
    this.#isRenewing = false;
  }

  #tell(): void {
    // What is held is paused, so it needs nobody to pause it in time.
    const domains = { ...this.#report.guarded, ...this.#report.held };
    const told = JSON.stringify(Object.entries(domains).toSorted());
    if (told !== this.#told) this.#send({ type: "guarded", domains });
    this.#told = told;
    this.ask();
  }

  /** Asks every guard; those that fail answer nothing. */
  async #each<T>(
    ask: (guarding: Guarding, signal: AbortSignal) => Promise<T>,
  ): Promise<T[]> {
    const { drivers, clock, log } = this.#parts;
    const answers = await Promise.all(
      [...drivers.all()].map(async ({ name, guarding }) => {
        if (guarding === undefined) return [];
        using deadline = new Deadline(clock, ANSWER_MS, "answer of a guard");
        try {
          return [await ask(guarding, deadline.signal)];
        } catch (error) {
          log.warn("a guard cannot be reached", {
            driver: name,
            error: messageOf(error),
          });
          return [];
        }
      }),
    );
    return answers.flat();
  }
}

const NOTHING: GuardReport = { guarded: {}, held: {} };
