/**
 * Past states of VMs and nodes: the newest of the whole site, in a ring.
 *
 * One ring for all, since what is bounded for each alone is not bounded for a
 * hundred thousand. It begins with the controller; a storm of changes pushes
 * the oldest out, whoever's they are. Each state knows the one before it, so
 * that reading one VM's looks at no other's.
 *
 * @module
 */
import type { PastState } from "../../plugin/api.ts";
import { isoTime } from "../../sys/clock.ts";

/** How many states are kept: 24 bytes each, and what they say. */
export const KEPT_STATES = 100_000;

/** What a state says, apart from when; states that say the same share it. */
type Said = Pick<PastState, "state" | "reason" | "node">;

/** Reasons are free text: when there are more, the next ones share anew. */
const SHARED = 2000;

/** The newest states of one kind of thing. */
export class PastStates {
  readonly kept: number;
  /** By place, which is a state's number modulo `kept`. */
  readonly #said: Said[] = [];
  /** When, in ms. */
  readonly #at: Float64Array;
  /** The number of the subject's state before it; -1 for none. */
  readonly #before: Float64Array;
  readonly #shared = new Map<string, Said>();
  /** Number of each subject's newest; a state's number only grows. */
  readonly #newest = new Map<string, number>();
  #numbers = 0;

  constructor(kept = KEPT_STATES) {
    this.kept = kept;
    this.#at = new Float64Array(kept);
    this.#before = new Float64Array(kept);
  }

  /** How many states there are. */
  get size(): number {
    return this.#said.length;
  }

  /** Notes what a VM (by uid) or node is; nothing happens when that is not new. */
  note(subject: string, { at, state, reason, node }: PastState): void {
    const before = this.#newest.get(subject) ?? -1;
    const last = this.#saidBy(before);
    const isNew = last === undefined || last.state !== state ||
      last.reason !== reason || last.node !== node;
    if (!isNew) return;
    const number = this.#numbers++;
    const place = number % this.kept;
    this.#said[place] = this.#share({ state, reason, node });
    this.#at[place] = Date.parse(at);
    this.#before[place] = before;
    this.#newest.set(subject, number);
  }

  /** It is gone, and its states with it. */
  forget(subject: string): void {
    this.#newest.delete(subject);
  }

  /** What something was, newest first. */
  of(subject: string, limit: number): PastState[] {
    const states: PastState[] = [];
    let number = this.#newest.get(subject) ?? -1;
    let said = this.#saidBy(number);
    while (said !== undefined && states.length < limit) {
      const place = number % this.kept;
      states.push({ at: isoTime(this.#at[place] ?? NaN), ...said });
      number = this.#before[place] ?? -1;
      said = this.#saidBy(number);
    }
    return states;
  }

  /** What the state of this number says, unless it was pushed out. */
  #saidBy(number: number): Said | undefined {
    if (number < 0 || number < this.#numbers - this.kept) return undefined;
    return this.#said[number % this.kept];
  }

  #share(said: Said): Said {
    const key = JSON.stringify([said.state, said.node, said.reason]);
    const shared = this.#shared.get(key);
    if (shared !== undefined) return shared;
    if (this.#shared.size >= SHARED) this.#shared.clear();
    this.#shared.set(key, said);
    return said;
  }
}
