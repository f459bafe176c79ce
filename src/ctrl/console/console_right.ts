/**
 * The right to a console, for as long as it lasts: it ends at once with the
 * session or token that it was opened with, and with the share that let its
 * user control the VM.
 *
 * @module
 */
import { JoinedSignal } from "../../sys/joined_signal.ts";
import { type Access, clusterPart } from "../auth/access.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import type { Records } from "../records/records.ts";

/** What a right is looked up in. */
export interface RightSource {
  readonly accounts: Pick<Accounts, "hold">;
  readonly records: Pick<Records, "subscribe">;
}

/** One caller's right to the console of one VM; disposed of when that is closed. */
export class ConsoleRight implements Disposable {
  readonly #share = new AbortController();
  readonly #joined: JoinedSignal;
  readonly #held: readonly (() => void)[];

  /** `vm` is a full name. */
  constructor(
    source: RightSource,
    caller: Caller,
    access: Access,
    vm: string,
  ) {
    const cluster = clusterPart(vm);
    const unsubscribe = source.records.subscribe((changes) => {
      const isIts = changes.some(({ kind, name }) =>
        kind === "cluster" && name === cluster
      );
      if (isIts && !access.mayControl(vm)) {
        this.#share.abort(`you may no longer control VM "${vm}"`);
      }
    });
    const life = source.accounts.hold(caller);
    const joined = new JoinedSignal(life.signal, this.#share.signal);
    this.#joined = joined;
    this.#held = [
      unsubscribe,
      () => life[Symbol.dispose](),
      () => joined[Symbol.dispose](),
    ];
  }

  /** Aborts at once when it is over, for the reason that its user is told. */
  get over(): AbortSignal {
    return this.#joined.signal;
  }

  [Symbol.dispose](): void {
    for (const leave of this.#held) leave();
  }
}
