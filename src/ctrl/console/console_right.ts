/**
 * The right to a console, for as long as it lasts: it ends at once with the
 * session or token that it was opened with, and with the share that let its
 * user control the VM.
 *
 * What ends with time alone, a session or a token that expires, is noticed by
 * who asks `lost()` now and then.
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
  readonly accounts: Pick<Accounts, "hold" | "isLive">;
  readonly records: Pick<Records, "subscribe">;
}

/** One caller's right to the console of one VM; disposed of when that is closed. */
export class ConsoleRight implements Disposable {
  readonly #source: RightSource;
  readonly #caller: Caller;
  readonly #access: Access;
  readonly #vm: string;
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
    this.#source = source;
    this.#caller = caller;
    this.#access = access;
    this.#vm = vm;
    const cluster = clusterPart(vm);
    const unsubscribe = source.records.subscribe((changes) => {
      const isIts = changes.some(({ kind, name }) =>
        kind === "cluster" && name === cluster
      );
      if (isIts && !access.mayControl(vm)) this.#share.abort(this.#unshared);
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

  /** Why it is over by now; null while it is not. */
  lost(): string | null {
    if (this.over.aborted) return String(this.over.reason);
    if (!this.#source.accounts.isLive(this.#caller)) {
      return "this session has ended";
    }
    return this.#access.mayControl(this.#vm) ? null : this.#unshared;
  }

  [Symbol.dispose](): void {
    for (const leave of this.#held) leave();
  }

  get #unshared(): string {
    return `you may no longer control VM "${this.#vm}"`;
  }
}
