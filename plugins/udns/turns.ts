/**
 * Turns: what is done for one VM is done one thing after another, whichever
 * registration of the plugin does it, and others do not wait for that.
 *
 * Who has read many VMs and goes through them must not undo what was told of
 * one of them since: it watches whose turn came meanwhile.
 *
 * @module
 */

/** The last thing that is done for each VM; the next waits for it. */
const TURNS = new Map<string, Promise<void>>();

/** Those who want to know whose turn came. */
const WATCHES = new Set<Set<string>>();

/** Does something for a VM in its turn. */
export function inTurn(uid: string, work: () => Promise<void>): Promise<void> {
  for (const seen of WATCHES) seen.add(uid);
  return inTurns([uid], work);
}

/** Does something for many VMs at once, when the turn of each has come; no watch sees it. */
export function inTurns(
  uids: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const before = new Set(uids.map((uid) => TURNS.get(uid)));
  const turn = Promise.allSettled(before).then(work);
  for (const uid of uids) TURNS.set(uid, turn);
  void turn.catch(() => {}).then(() => {
    for (const uid of uids) if (TURNS.get(uid) === turn) TURNS.delete(uid);
  });
  return turn;
}

/** Whose turn came since it was made, until it is disposed of. */
export class Watch implements Disposable {
  readonly #seen = new Set<string>();

  constructor() {
    WATCHES.add(this.#seen);
  }

  /** Whether something was done for this VM. */
  has(uid: string): boolean {
    return this.#seen.has(uid);
  }

  [Symbol.dispose](): void {
    WATCHES.delete(this.#seen);
  }
}
