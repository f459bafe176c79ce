/**
 * Failed logins, counted per account and per address: after three, each
 * further one must wait twice as long as the one before, up to a minute.
 *
 * What is asked and told carries the time, so nothing here has a clock. An
 * attempt that is counted as failed before its password is checked, and taken
 * back by `succeeded`, cannot be made a thousand times at once.
 *
 * @module
 */

interface Failures {
  readonly count: number;
  /** Of the last one, in milliseconds since 1970. */
  readonly at: number;
}

/** Failures that cost no wait. */
const FREE = 3;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** Quiet after which failures are forgotten. */
const FORGET_MS = 15 * 60_000;
/** Accounts and addresses that are remembered; the quietest go first. */
const LIMIT = 10_000;
const NAME_LENGTH = 64;

/** What is known of failed logins. */
export class Attempts {
  /** In the order of the last failure, oldest first. */
  readonly #failures = new Map<string, Failures>();

  /** How many accounts and addresses are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** How long this account, from this address, must still wait; zero when it need not. */
  waitMs(user: string, address: string, now: number): number {
    return Math.max(
      ...namesOf(user, address).map((name) => this.#waitOf(name, now)),
    );
  }

  /** Counts a failure. */
  failed(user: string, address: string, now: number): void {
    for (const name of namesOf(user, address)) {
      const count = this.#countOf(name, now) + 1;
      this.#failures.delete(name);
      this.#failures.set(name, { count, at: now });
    }
    this.#forget(now);
  }

  /** Forgets the failures of this account and this address. */
  succeeded(user: string, address: string): void {
    for (const name of namesOf(user, address)) this.#failures.delete(name);
  }

  #waitOf(name: string, now: number): number {
    const failures = this.#failures.get(name);
    if (failures === undefined || isForgotten(failures, now)) return 0;
    // A clock that went back must not make the wait longer than it was.
    const passed = Math.max(0, now - failures.at);
    return Math.max(0, waitAfter(failures.count) - passed);
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

/** How long to wait after the failure number `count`. */
export function waitAfter(count: number): number {
  if (count < FREE) return 0;
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - FREE));
}

function isForgotten({ at }: Failures, now: number): boolean {
  return now - at >= FORGET_MS;
}

function namesOf(user: string, address: string): string[] {
  return [
    `account ${user.slice(0, NAME_LENGTH)}`,
    `address ${address.slice(0, NAME_LENGTH)}`,
  ];
}
