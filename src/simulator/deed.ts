/**
 * Deeds: the single things that are done to a simulated site, and the moments
 * at which they are. Data alone; `plan.ts` draws them.
 *
 * @module
 */
import type { VmRequestInput } from "../schema/request.ts";
import type { FaultKind } from "../schema/simulation.ts";
import type { Random } from "./random.ts";

/** What a run is about. */
export interface PlanOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly vms: number;
  readonly hours: number;
  readonly faults: readonly FaultKind[];
}

/** One thing that is done, `at` so many ms after the beginning. */
export type Deed =
  & { readonly at: number }
  & (
    | {
      readonly type: "request";
      readonly body: VmRequestInput & { readonly id: string };
      /** Sent so many times, the later ones while the first may be under way. */
      readonly times: number;
    }
    /** Cancels an operation of the request with this id. */
    | { readonly type: "cancel"; readonly request: string }
    /** What an administrator asks of a node. */
    | {
      readonly type: "node";
      readonly verb: "drain" | "undrain";
      readonly node: string;
    }
    /** A guest ends by itself. */
    | { readonly type: "guest"; readonly vm: string; readonly ends: GuestEnd }
    | { readonly type: "fault"; readonly fault: Fault }
  );

/** How a guest ends by itself. */
export type GuestEnd = "crashes" | "shuts down";

/** One fault; those that last are over after `ms`. */
export type Fault =
  | { readonly type: "kill ctrl" }
  | { readonly type: "stop ctrl" }
  | { readonly type: "freeze ctrl"; readonly ms: number }
  | { readonly type: "disk full"; readonly ms: number }
  | { readonly type: "slow disk"; readonly ms: number; readonly upTo: number }
  | NodeFault
  | ClientFault;

/** A fault of one node. */
export type NodeFault =
  & { readonly node: string }
  & (
    | { readonly type: "kill lnm"; readonly ms: number }
    | { readonly type: "stop lnm"; readonly ms: number }
    | { readonly type: "freeze lnm"; readonly ms: number }
    | {
      readonly type: "power loss";
      readonly ms: number;
      readonly forgets: boolean;
      /** An administrator sees it and declares the node dead, so much later; null when none does. */
      readonly declaredMs: number | null;
    }
    | {
      readonly type: "partition";
      readonly ms: number;
      readonly ways: readonly ("up" | "down")[];
    }
    | { readonly type: "cut" }
    | { readonly type: "slow link"; readonly ms: number; readonly upTo: number }
    | { readonly type: "lost ends"; readonly ms: number }
    | { readonly type: "slow verbs"; readonly ms: number; readonly by: number }
    | { readonly type: "mute driver"; readonly ms: number }
  );

/** A fault of the clients' route. */
export type ClientFault =
  | { readonly type: "cut clients" }
  | {
    readonly type: "slow clients";
    readonly ms: number;
    readonly upTo: number;
  };

/** Moments from 0 to `endMs`, `perHour` of them an hour, without any order. */
export function moments(
  random: Random,
  hours: number,
  perHour: number,
): number[] {
  const count = Math.round(hours * perHour);
  return Array.from(
    { length: count },
    () => Math.round(random.next() * hours * 3_600_000),
  );
}
