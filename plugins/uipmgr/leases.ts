/**
 * Leases: which address belongs to which VM. Two keep these promises: a table
 * of PostgreSQL, and the plugin's own space.
 *
 *  1. An address has one lease at most, whoever asks at once and wherever a
 *     crash comes in between.
 *  2. `take` with a token that has a lease of this family answers that lease: a
 *     decision that is made again takes nothing more.
 *  3. A lease is durable before it is answered.
 *  4. `bind` and `release` act on the lease with this very token, or not at
 *     all: what comes late about an old VM cannot touch the next one.
 *  5. A lease that is answered once more to the same request is written anew, and
 *     `releaseSeen` ends a lease as it was seen and no other: who looks for
 *     leases that are for nobody cannot end one that a decision, made again,
 *     has just been answered.
 *
 * @module
 */
import type { Family } from "./address.ts";
import { freeIn, isIn, type Pool } from "./range.ts";

/** An address that a VM has. */
export interface Lease {
  readonly family: Family;
  readonly value: bigint;
  readonly range: string;
  /** Names the taking: the decision and the VM. The VM keeps it, too. */
  readonly token: string;
  /** The VM's full name. */
  readonly vm: string;
  /** Null until the VM is known. */
  readonly uid: string | null;
  /** When it was taken, ms since 1970. */
  readonly at: number;
  /** The request that it was taken for; null once it is bound, or where that is not known. */
  readonly request: string | null;
}

/** An address that is wanted. */
export interface Want {
  readonly pool: Pool;
  readonly token: string;
  readonly vm: string;
  readonly uid: string | null;
  readonly request: string | null;
  /** This one and no other; any when null. */
  readonly exactly: bigint | null;
}

/** Which lease is meant. */
export type LeaseKey = Pick<Lease, "family" | "value" | "token">;

/** Keeps leases. */
export interface Leases {
  /** One lease for each want, in order; null where there is none left. */
  take(wants: readonly Want[], now: number): Promise<(Lease | null)[]>;
  /** What `take` would answer now. Nothing is written. */
  peek(wants: readonly Want[], now: number): Promise<(Lease | null)[]>;
  /** The lease of an address; null when it is free. */
  get(family: Family, value: bigint): Promise<Lease | null>;
  /** Says which VM has it. False when this lease is not there. */
  bind(key: LeaseKey, uid: string): Promise<boolean>;
  /** Ends it. False when this lease is not there. */
  release(key: LeaseKey): Promise<boolean>;
  /** Ends a lease that is still as it was seen. */
  releaseSeen(seen: Lease): Promise<boolean>;
  /** All of this site. */
  list(): Promise<Lease[]>;
}

/** What is known of the addresses that may be given. */
export interface Known {
  isTaken(family: Family, value: bigint): boolean;
  /** The lease that a token has already. */
  byToken(token: string, family: Family): Lease | undefined;
}

/** The lease that each want has or should get, as one decision; null where there is none left. */
export function choose(
  wants: readonly Want[],
  known: Known,
  now: number,
): (Lease | null)[] {
  const given = new Set<string>();
  const isTaken = (family: Family, value: bigint) =>
    given.has(`${family}/${value}`) || known.isTaken(family, value);
  const free = new Map<Pool, Iterator<bigint>>();
  const next = (pool: Pool): bigint | undefined => {
    const iterator = free.get(pool) ??
      freeIn(pool, (value) => isTaken(pool.family, value));
    free.set(pool, iterator);
    return iterator.next().value;
  };
  return wants.map(({ pool, token, vm, uid, request, exactly }) => {
    const { family, range } = pool;
    const before = known.byToken(token, family);
    if (before !== undefined) {
      const isAgain = before.uid === null ||
        (before.request !== null && before.request === request);
      // Later than before, also by a clock that went back.
      return isAgain ? { ...before, at: Math.max(now, before.at + 1) } : before;
    }
    const value = exactly ?? next(pool);
    if (value === undefined || !isIn(pool, value) || isTaken(family, value)) {
      return null;
    }
    given.add(`${family}/${value}`);
    return { family, value, range, token, vm, uid, request, at: now };
  });
}

/** Whether two looks saw the same lease. */
export function isSame(a: Lease, b: Lease): boolean {
  return a.token === b.token && a.uid === b.uid && a.at === b.at;
}
