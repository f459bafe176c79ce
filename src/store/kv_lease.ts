/**
 * The right to write to a database in Deno KV: an epoch, and for a remote one
 * a lease.
 *
 * The epoch is what makes two writers safe: it goes up with each take-over,
 * and every write checks it. The lease only says whether the last holder may
 * still live, so that a second controller is refused instead of taking over;
 * clocks that disagree can shorten it, but harm nothing.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { isoTime, systemClock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { storeKeys } from "./key.ts";
import { describeHolder, type KvDatabase } from "./kv_backend.ts";
import type { Holder } from "./store.ts";

/** Who asks for the right to write. */
export interface Claimant {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The right to write, as the database has it. */
export interface Claim {
  readonly holder: Holder;
  /** Versionstamp of the holder record; lasts until the next take-over. */
  readonly stamp: string;
}

/** How long a lease lasts without being renewed, and how often it is. */
export const LEASE = { ms: 15_000, renewMs: 4_000 } as const;

interface LeaseRecord {
  readonly epoch: number;
  /** Milliseconds since 1970; zero when it was given up. */
  readonly expires: number;
}

/** Takes the next epoch; with `leased`, only when no lease is running. */
export async function claim(
  database: KvDatabase,
  { host, pid, now }: Claimant,
  { place, leased, epochAbove = 0 }: {
    readonly place: string;
    readonly leased: boolean;
    /** The epoch is higher than this one too. */
    readonly epochAbove?: number | undefined;
  },
): Promise<Claim> {
  const last = await database.get(storeKeys.holder());
  const lease = await database.get(storeKeys.lease());
  const previous = last.value as Holder | null;
  if (leased && ((lease.value as LeaseRecord | null)?.expires ?? 0) > now()) {
    throw held(place, previous);
  }
  const epoch = Math.max(previous?.epoch ?? 0, epochAbove) + 1;
  const holder: Holder = { epoch, host, pid, since: isoTime(now()) };
  const atomic = database.atomic().check(last, lease).set(
    storeKeys.holder(),
    holder,
  );
  if (leased) {
    atomic.set(storeKeys.lease(), { epoch, expires: now() + LEASE.ms });
  }
  const result = await atomic.commit();
  if (!result.ok) {
    throw held(place, (await database.get(storeKeys.holder())).value);
  }
  return { holder, stamp: result.versionstamp };
}

/** The error for a state that another controller holds. */
export function held(place: string, record: unknown): UsherError {
  const holder = describeHolder(record);
  return new UsherError(
    "busy",
    `Cannot open state "${place}": it is held by ${holder}`,
    {
      holder,
      hint: "Stop that controller first, or give this one a state of its own",
    },
  );
}

/** Renews the lease of `claim` until `signal` aborts or another has taken over. */
export async function keepLease(
  database: KvDatabase,
  { holder, stamp }: Claim,
  { now, log, signal, onLost, sleep = systemClock.sleep }: {
    now(): number;
    readonly log: Log;
    readonly signal: AbortSignal;
    /** Called when another has taken over. */
    readonly onLost: () => void;
    readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  },
): Promise<void> {
  while (!signal.aborted) {
    await sleep(LEASE.renewMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const isOurs = await setLease(database, stamp, {
        epoch: holder.epoch,
        expires: now() + LEASE.ms,
      });
      if (!isOurs) {
        log.error(
          "Lost the lease on the state: another controller has taken over",
        );
        return onLost();
      }
    } catch (error) {
      log.warn("Cannot renew the lease on the state", { error });
    }
  }
}

/** Gives the lease of `claim` up, so that the next controller need not wait. */
export async function endLease(
  database: KvDatabase,
  { holder, stamp }: Claim,
): Promise<void> {
  await setLease(database, stamp, { epoch: holder.epoch, expires: 0 });
}

async function setLease(
  database: KvDatabase,
  stamp: string,
  lease: LeaseRecord,
): Promise<boolean> {
  const { ok } = await database.atomic()
    .check({ key: storeKeys.holder(), versionstamp: stamp })
    .set(storeKeys.lease(), lease)
    .commit();
  return ok;
}
