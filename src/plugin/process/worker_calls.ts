/**
 * The calls of one plugin that wait for an answer: those that its worker has,
 * and those that wait for a worker.
 *
 * @module
 */
import { failedBy, lateBy } from "../failure.ts";
import type { HandlerCall, HandlerResult } from "../runner.ts";

/** One call under way. */
export interface Pending {
  readonly id: number;
  readonly call: HandlerCall;
  /** Which of the plugin's registrations it is for. */
  readonly index: number;
  readonly beganMs: number;
  readonly untilMs: number;
  /** Whether it was past its time at the last look. */
  isOverdue: boolean;
  /** What its handler asks now. */
  asks: number;
  /** How many workers have had it. */
  tries: number;
  resolve(result: HandlerResult): void;
  reject(error: unknown): void;
}

/** So many workers a call is given at most. */
const MAX_TRIES = 2;

/** Calls by id, and in order those that no worker has yet. */
export class WorkerCalls {
  readonly #sent = new Map<number, Pending>();
  #waiting: Pending[] = [];
  #ids = 0;

  /** How many have not ended. */
  get size(): number {
    return this.#sent.size + this.#waiting.length;
  }

  /** Adds one that waits for a worker; the promise is its answer. */
  add(call: HandlerCall, index: number, now: number): Promise<HandlerResult> {
    const { promise, resolve, reject } = Promise.withResolvers<HandlerResult>();
    this.#waiting.push({
      id: ++this.#ids,
      call,
      index,
      beganMs: now,
      untilMs: now + call.deadlineMs,
      isOverdue: false,
      asks: 0,
      tries: 0,
      resolve,
      reject,
    });
    return promise;
  }

  /** Takes all that wait, in order; from now on a worker has them. */
  takeWaiting(): readonly Pending[] {
    const taken = this.#waiting;
    this.#waiting = [];
    for (const pending of taken) {
      pending.tries++;
      this.#sent.set(pending.id, pending);
    }
    return taken;
  }

  /** The one that a worker has under this id. */
  sent(id: number): Pending | undefined {
    return this.#sent.get(id);
  }

  /** Takes one out that a worker has answered; undefined for one that it never had. */
  end(id: number): Pending | undefined {
    const pending = this.#sent.get(id);
    this.#sent.delete(id);
    return pending;
  }

  /**
   * Ends what is past its time; whether a worker is late with any. What a worker
   * has is ended at the second look: a controller that was held up itself finds
   * its timer over before it has heard the answers that are there.
   */
  endOverdue(now: number): boolean {
    const unsent = this.#waiting.filter(({ untilMs }) => untilMs <= now);
    if (unsent.length > 0) {
      this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > now);
      for (const pending of unsent) this.#rejectLate(pending);
    }
    let isLate = false;
    for (const pending of this.#sent.values()) {
      if (pending.untilMs > now) continue;
      isLate = true;
      if (pending.isOverdue) {
        this.#sent.delete(pending.id);
        this.#rejectLate(pending);
      } else pending.isOverdue = true;
    }
    return isLate;
  }

  #rejectLate(pending: Pending): void {
    const { registration, event, deadlineMs } = pending.call;
    pending.reject(lateBy(registration.plugin, event, deadlineMs));
  }

  /**
   * Takes back what a worker had, which is no more. Nobody knows which of them
   * it died of, so each goes to the next worker, under its decision and with
   * the time that it has left; one that has seen two of them end fails.
   */
  takeBack(why: string): void {
    const all = [...this.#sent.values()];
    this.#sent.clear();
    fail(all.filter(({ tries }) => tries >= MAX_TRIES), why);
    const again = all.filter(({ tries }) => tries < MAX_TRIES);
    for (const pending of again) {
      pending.asks = 0;
      pending.isOverdue = false;
    }
    this.#waiting = [...again, ...this.#waiting];
  }

  /** Ends those that wait for a worker that does not come. */
  failWaiting(why: string): void {
    fail(this.#waiting, why);
    this.#waiting = [];
  }
}

function fail(all: readonly Pending[], why: string): void {
  for (const { call, reject } of all) {
    reject(failedBy(call.registration.plugin, call.event, why));
  }
}
