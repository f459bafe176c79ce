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

/** How many states are kept, in some 15 MB. */
export const KEPT_STATES = 100_000;

interface Entry {
  /** When, in ms: half of what text takes. */
  readonly at: number;
  readonly state: string;
  readonly reason: string;
  readonly node: string | null;
  /** The number of the subject's state before it; -1 for none. */
  readonly before: number;
}

/** The newest states of one kind of thing. */
export class PastStates {
  readonly kept: number;
  readonly #ring: Entry[] = [];
  /** Number of each subject's newest; a state's number only grows. */
  readonly #newest = new Map<string, number>();
  #numbers = 0;

  constructor(kept = KEPT_STATES) {
    this.kept = kept;
  }

  /** How many states there are. */
  get size(): number {
    return this.#ring.length;
  }

  /** Notes what a VM (by uid) or node is; nothing happens when that is not new. */
  note(subject: string, { at, state, reason, node }: PastState): void {
    const before = this.#newest.get(subject) ?? -1;
    const last = this.#entry(before);
    const isNew = last === undefined || last.state !== state ||
      last.reason !== reason || last.node !== node;
    if (!isNew) return;
    const number = this.#numbers++;
    this.#ring[number % this.kept] = {
      at: Date.parse(at),
      state,
      reason,
      node,
      before,
    };
    this.#newest.set(subject, number);
  }

  /** It is gone, and its states with it. */
  forget(subject: string): void {
    this.#newest.delete(subject);
  }

  /** What something was, newest first. */
  of(subject: string, limit: number): PastState[] {
    const states: PastState[] = [];
    let entry = this.#entry(this.#newest.get(subject) ?? -1);
    while (entry !== undefined && states.length < limit) {
      const { at, state, reason, node, before } = entry;
      states.push({ at: isoTime(at), state, reason, node });
      entry = this.#entry(before);
    }
    return states;
  }

  /** The state of this number, unless it was pushed out. */
  #entry(number: number): Entry | undefined {
    if (number < 0 || number < this.#numbers - this.kept) return undefined;
    return this.#ring[number % this.kept];
  }
}
