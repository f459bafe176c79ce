/**
 * Past states of VMs and nodes: the newest of the whole site, in a ring.
 *
 * One ring for all, since what is bounded for each alone is not bounded for a
 * hundred thousand. It begins with the controller; a storm of changes pushes
 * the oldest out, whoever's they are.
 *
 * @module
 */
import type { PastState } from "../../plugin/api.ts";

/** How many states are kept: at 100,000 VMs the last two of each, or what some had in days. */
export const KEPT_STATES = 200_000;

interface Entry extends PastState {
  /** A VM's uid, or a node's name. */
  readonly subject: string;
}

/** The newest states of one kind of thing. */
export class PastStates {
  readonly #ring: Entry[] = [];
  readonly #kept: number;
  /** Where the next one goes once the ring is full. */
  #next = 0;
  /** Each subject's newest, so that only changes are noted. */
  readonly #last = new Map<string, Entry>();

  constructor(kept = KEPT_STATES) {
    this.#kept = kept;
  }

  /** How many states there are. */
  get size(): number {
    return this.#ring.length;
  }

  /** Notes what something is; nothing happens when that is not new. */
  note(subject: string, state: PastState): void {
    const last = this.#last.get(subject);
    const isNew = last === undefined || last.state !== state.state ||
      last.reason !== state.reason || last.node !== state.node;
    if (!isNew) return;
    const entry = { subject, ...state };
    this.#last.set(subject, entry);
    if (this.#ring.length < this.#kept) {
      this.#ring.push(entry);
      return;
    }
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#kept;
  }

  /** It is gone; what it was stays until it is pushed out. */
  forget(subject: string): void {
    this.#last.delete(subject);
  }

  /** What something was, newest first; `looked` tells how many states that took. */
  of(
    subject: string,
    limit: number,
  ): { readonly states: PastState[]; readonly looked: number } {
    const states: PastState[] = [];
    const { length } = this.#ring;
    let looked = 0;
    for (; looked < length && states.length < limit; looked++) {
      const at = (this.#next + length - 1 - looked) % length;
      const entry = this.#ring[at];
      if (entry?.subject !== subject) continue;
      const { subject: _, ...state } = entry;
      states.push(state);
    }
    return { states, looked };
  }
}
