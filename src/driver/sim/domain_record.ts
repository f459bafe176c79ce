/**
 * The record of a simulated domain: all that is kept of it, in memory and in
 * the journal. `domain.ts` says how time changes it, `move.ts` how a migration
 * does.
 *
 * @module
 */
import type { SimOptions, VmSpec } from "../../schema/vm.ts";

/** What a domain is doing, apart from what time has changed since. */
export type Phase =
  | "starting"
  | "running"
  | "paused"
  | "stopped"
  | "crashed"
  /** A copy that must not run: all was sent, or it has not been taken over. */
  | "migrating";

/** What the driver itself remembers of a start; null when it was lost. */
export interface SimHandle {
  readonly generation: number;
  readonly incarnation: string;
}

/** A domain's record. Moments are milliseconds since 1970; null is never. */
export interface SimDomain {
  /** Unique on the node; the record's key. */
  readonly domain: string;
  readonly uid: string | null;
  readonly name: string;
  readonly handle: SimHandle | null;
  readonly phase: Phase;
  readonly reason: string;
  /** When it was started, or planted. */
  readonly startedAt: number;
  /** When the guest is up. */
  readonly bootDue: number | null;
  /** When it crashes by itself. */
  readonly crashDue: number | null;
  /** When it has obeyed a shutdown. */
  readonly shutdownDue: number | null;
  /** When it was paused; only while `phase` is `paused`. */
  readonly pausedAt: number | null;
  /** Time spent paused before. */
  readonly pausedMs: number;
  /** The migration that it takes part in. */
  readonly move: SimMove | null;
  /** Its owner wants it guarded; a start says so. */
  readonly wantsGuard?: boolean;
  /** The guard has it in hand: it may run only while the node has its lease. */
  readonly guarded?: boolean;
  /** It is paused since the lease was over. */
  readonly held?: boolean;
  readonly memoryMiB?: number;
  readonly vcpus?: number;
  readonly disks: number;
  readonly nics: number;
  /** Those of `spec.sim` that are not at their default. */
  readonly knobs: Partial<SimOptions>;
  /** What it was started with, without what is at its default; absent for one that usher did not make. */
  readonly spec?: Partial<VmSpec>;
}

/** What a domain's record says of a migration. */
export interface SimMove {
  /** The transfer's id. */
  readonly id: string;
  readonly role: "source" | "target";
  /** When it began to be sent, or was taken in. */
  readonly since: number;
  /** When everything is sent; null when it hangs, and once it is over. */
  readonly sentDue: number | null;
  /** What the domain was, and is again once it may go on. */
  readonly as: Phase;
}
