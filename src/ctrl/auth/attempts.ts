/**
 * Failed logins: who guesses must wait, and nobody else.
 *
 * After three failures of one account from one address each further one must
 * wait twice as long as the one before, up to a minute; so must, after ten,
 * whatever else that address tries. Failures elsewhere never make an address
 * wait that has not failed itself: else anybody could lock anybody out. They
 * only take away its free failures, so that guessing from many addresses gains
 * one guess an address.
 *
 * What is asked and told carries the time, so nothing here has a clock. An
 * attempt that is counted as failed before its password is checked, and taken
 * back by `succeeded`, cannot be made a thousand times at once.
 *
 * @module
 */
import { networkOf } from "./network.ts";

interface Failures {
  readonly count: number;
  /** Of the last one, in milliseconds since 1970. */
  readonly at: number;
}

/** Failures that cost no wait: of an account from an address, of an address. */
const FREE = 3;
const FREE_OF_ADDRESS = 10;
/** Failures of an account, from wherever, after which nothing is free. */
const UNDER_ATTACK = 20;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** Quiet after which failures are forgotten. */
const FORGET_MS = 15 * 60_000;
/** Accounts and addresses that are remembered; the quietest go first. */
const LIMIT = 30_000;
const NAME_LENGTH = 64;

/** What is known of failed logins. */
export class Attempts {
  /** In the order of the last failure, oldest first. */
  readonly #failures = new Map<string, Failures>();

  /** How many accounts, addresses and pairs of them are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** How long this account, from this address, must still wait; zero when it need not. */
  waitMs(user: string, address: string, now: number): number {
    const { account, from, pair } = namesOf(user, address);
    const isAttacked = this.#countOf(account, now) >= UNDER_ATTACK;
    return Math.max(
      this.#waitOf(pair, now, isAttacked ? 1 : FREE),
      this.#waitOf(from, now, FREE_OF_ADDRESS),
    );
  }

  /** Counts a failure. */
  failed(user: string, address: string, now: number): void {
    for (const name of Object.values(namesOf(user, address))) {
      const count = this.#countOf(name, now) + 1;
      this.#failures.delete(name);
      this.#failures.set(name, { count, at: now });
    }
    this.#forget(now);
  }

  /**
   * The attempt that was counted last was none: the password was right. What
   * others guessed stays counted, and what this address guessed of others.
   */
  succeeded(user: string, address: string): void {
    const { account, from, pair } = namesOf(user, address);
    this.#failures.delete(pair);
    for (const name of [account, from]) {
      const failures = this.#failures.get(name);
      if (failures === undefined) continue;
      if (failures.count <= 1) this.#failures.delete(name);
      else this.#failures.set(name, { ...failures, count: failures.count - 1 });
    }
  }

  #waitOf(name: string, now: number, free: number): number {
    const failures = this.#failures.get(name);
    if (failures === undefined || isForgotten(failures, now)) return 0;
    // A clock that went back must not make the wait longer than it was.
    const passed = Math.max(0, now - failures.at);
    return Math.max(0, waitAfter(failures.count, free) - passed);
  }

  #countOf(name: string, now: number): number {
    const failures = this.#failures.get(name);
    return failures === undefined || isForgotten(failures, now)
      ? 0
      : failures.count;
  }

  #forget(now: number): void {
    for (const [name, failures] of this.#failures) {
      if (this.#failures.size <= LIMIT && !isForgotten(failures, now)) return;
      this.#failures.delete(name);
    }
  }
}

/** How long to wait after the failure number `count`, of which `free` cost nothing. */
export function waitAfter(count: number, free: number): number {
  if (count < free) return 0;
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - free));
}

function isForgotten({ at }: Failures, now: number): boolean {
  return now - at >= FORGET_MS;
}

function namesOf(user: string, address: string) {
  const account = user.slice(0, NAME_LENGTH);
  const from = networkOf(address.slice(0, NAME_LENGTH));
  return {
    account: `account ${account}`,
    from: `address ${from}`,
    pair: `pair ${from} ${account}`,
  };
}
