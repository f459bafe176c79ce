/**
 * Acts: what the controller asks of one domain, done once each.
 *
 * Acts on one domain run one after another; a power cut goes ahead and makes
 * the act before it give up waiting. The same id again joins the act that
 * runs, or gets the answer that was given, so a replay after a cut does
 * nothing twice; what it says of the domain is looked at anew, since that may
 * have changed. An act that a dead controller asked for gives way to the first
 * that the next one asks: it wants one thing of a domain at a time. Sending a
 * domain to another node has its turn when it begins and gives it on at once: it
 * may last for hours, and what ends it must not wait for it.
 *
 * @module
 */
import { isAbort, isUsherError, toProblem, UsherError } from "../error/mod.ts";
import type { DomainFrame, UpFrame } from "../schema/frame.ts";
import type { Progress } from "../schema/operation.ts";
import type { Clock } from "../sys/clock.ts";
import { type Act, carryOut } from "./carry_out.ts";
import { type DriverSet, frameOf } from "./driver_set.ts";

export type { Act };
type Answer = Omit<Extract<UpFrame, { type: "result" }>, "type">;

/** How many answers are remembered. */
const REMEMBERED = 5_000;

/** How long an act may take to give way to a power cut. */
const GIVE_WAY_MS = 1500;

interface Running {
  readonly uid: string;
  readonly abort: AbortController;
  readonly answer: Promise<Answer>;
  /** Asked by a controller that has ended, and not by the one there is now. */
  isOrphan: boolean;
}

/** Carries out acts. */
export class Acts {
  readonly #drivers: DriverSet;
  readonly #clock: Clock;
  /** Called when an act begins and when it ended, so that reports can wait for it. */
  readonly #onBusy: (
    uid: string,
    isBusy: boolean,
    domain: DomainFrame | null,
  ) => void;
  /** Answers what to call with how far a long act has come. */
  readonly #progressOf: (id: string) => (progress: Progress) => void;
  readonly #running = new Map<string, Running>();
  readonly #answered = new Map<string, Answer>();
  /** The last act of each domain; the next one waits for it. */
  readonly #lanes = new Map<
    string,
    { tail: Promise<unknown>; current: AbortController }
  >();

  constructor(
    drivers: DriverSet,
    clock: Clock,
    onBusy: (uid: string, isBusy: boolean, domain: DomainFrame | null) => void,
    progressOf: (id: string) => (progress: Progress) => void = () => () => {},
  ) {
    this.#drivers = drivers;
    this.#clock = clock;
    this.#onBusy = onBusy;
    this.#progressOf = progressOf;
  }

  /** Does `act`, or answers what it answered before. Never throws. */
  async do(act: Act): Promise<Answer> {
    const known = this.#answered.get(act.id);
    if (known !== undefined) return await this.#lookedAt(known);
    const running = this.#running.get(act.id);
    if (running !== undefined) {
      running.isOrphan = false;
      return await running.answer;
    }
    this.#dismissOrphans(act.uid);
    const abort = new AbortController();
    const answer = this.#queue(act, abort);
    const { uid } = act;
    this.#running.set(act.id, { uid, abort, answer, isOrphan: false });
    const result = await answer;
    this.#running.delete(act.id);
    // Who asks again after a failure that may pass wants it tried again.
    const mayPass = result.problem?.code === "unavailable";
    if (!abort.signal.aborted && !mayPass) this.#remember(result);
    return result;
  }

  /** Stops waiting for an act; the domain is left as it is. */
  abandon(id: string): void {
    this.#running.get(id)?.abort.abort(
      new DOMException("The controller no longer waits", "AbortError"),
    );
  }

  /** The controller knows nothing of what was asked before: what it still wants it asks again. */
  orphanAll(): void {
    for (const running of this.#running.values()) running.isOrphan = true;
  }

  #dismissOrphans(uid: string): void {
    for (const running of this.#running.values()) {
      if (running.uid !== uid || !running.isOrphan) continue;
      running.abort.abort(
        new DOMException("Nobody waits for it any more", "AbortError"),
      );
    }
  }

  /** An answer that is given again, with the domain as it is now. */
  async #lookedAt(answer: Answer): Promise<Answer> {
    if (answer.domain === null) return answer;
    const { signal } = new AbortController();
    try {
      const domain = await this.#drivers.look(answer.domain, signal);
      return { ...answer, domain };
    } catch {
      return answer; // what it was is better than nothing
    }
  }

  #remember(answer: Answer): void {
    this.#answered.set(answer.id, answer);
    if (this.#answered.size <= REMEMBERED) return;
    const [oldest] = this.#answered.keys();
    if (oldest !== undefined) this.#answered.delete(oldest);
  }

  async #queue(act: Act, abort: AbortController): Promise<Answer> {
    const lane = this.#lanes.get(act.uid);
    const before = lane?.tail ?? Promise.resolve();
    const cutsPower = act.verb === "stop" && act.graceMs === 0;
    if (cutsPower) {
      lane?.current.abort(
        new DOMException("A power cut goes ahead", "AbortError"),
      );
    }
    const turn = cutsPower ? this.#endOrTimeout(before) : before;
    const answer = turn.then(() => this.#perform(act, abort.signal));
    const isLong = act.verb === "send";
    const tail: Promise<unknown> = isLong ? turn : answer;
    const entry = { tail, current: abort };
    this.#lanes.set(act.uid, entry);
    try {
      await tail;
    } finally {
      if (this.#lanes.get(act.uid) === entry) this.#lanes.delete(act.uid);
    }
    return await answer;
  }

  async #perform(act: Act, signal: AbortSignal): Promise<Answer> {
    this.#onBusy(act.uid, true, null);
    let domain: DomainFrame | null = null;
    try {
      signal.throwIfAborted();
      const { report, message } = await carryOut(
        this.#drivers.get(act.driver),
        act,
        this.#progressOf(act.id),
        signal,
      );
      domain = frameOf(act.driver, report);
      return {
        id: act.id,
        domain,
        problem: null,
        ...(message === undefined ? {} : { message }),
      };
    } catch (error) {
      const known = isAbort(error) && signal.aborted
        ? new UsherError(
          "interrupted",
          `The wait for "${act.verb}" was given up`,
        )
        : error;
      if (isUsherError(known, "unavailable")) this.#drivers.doubt();
      return { id: act.id, domain: null, problem: toProblem(known) };
    } finally {
      // Once the result has left: a report that overtook it would seem older
      // to the controller than what the result says.
      this.#clock.after(0, () => this.#onBusy(act.uid, false, domain));
    }
  }

  /** Resolves when `before` has ended, or has had its time to give way. */
  async #endOrTimeout(before: Promise<unknown>): Promise<void> {
    const late = Promise.withResolvers<void>();
    using _timer = this.#clock.after(GIVE_WAY_MS, late.resolve);
    await Promise.race([before, late.promise]);
  }
}
