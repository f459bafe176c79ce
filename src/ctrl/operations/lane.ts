/**
 * Lanes: operations on one VM run one at a time, in the order they came.
 *
 * `poweroff` and `destroy` go to the front and ask the holder to give way, so
 * that no VM is ever out of reach.
 *
 * @module
 */
import type { Verb } from "../../schema/operation.ts";

/** Who runs on a VM now. */
export interface Holder {
  readonly operation: string;
  readonly verb: Verb;
  readonly abort: AbortController;
}

/** One VM's queue. */
export class Lane {
  holder: Holder | null = null;
  /** Operation ids that wait, first first. */
  readonly queue: string[] = [];
  /** An act ended without an answer: what is known of the VM may be wrong. */
  uncertain = false;

  /** Whether nothing runs and nothing waits. */
  get idle(): boolean {
    return this.holder === null && this.queue.length === 0;
  }

  /** Gives the lane to an operation, which must find it free. */
  hold({ id, verb }: { readonly id: string; readonly verb: Verb }): Holder {
    this.holder = { operation: id, verb, abort: new AbortController() };
    return this.holder;
  }

  /** Takes an operation out of the queue; answers where it stood, or -1. */
  remove(operation: string): number {
    const at = this.queue.indexOf(operation);
    if (at >= 0) this.queue.splice(at, 1);
    return at;
  }
}

/** How many operations may wait for one VM, so that no lane grows without bound. */
export const MAX_WAITING = 100;

/** Whether `verb` may push a holder aside. */
export function takesOver(verb: Verb): boolean {
  return verb === "poweroff" || verb === "destroy";
}

/** The lanes of all VMs; idle ones are not kept. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  get(uid: string): Lane | undefined {
    return this.#lanes.get(uid);
  }

  /** Whoever holds one. */
  holders(): Holder[] {
    return [...this.#lanes.values()].flatMap(({ holder }) => holder ?? []);
  }

  of(uid: string): Lane {
    let lane = this.#lanes.get(uid);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(uid, lane);
    }
    return lane;
  }

  /** Forgets a lane that is idle and certain. */
  sweep(uid: string): void {
    const lane = this.#lanes.get(uid);
    if (lane?.idle === true && !lane.uncertain) this.#lanes.delete(uid);
  }
}
