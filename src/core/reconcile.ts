/**
 * Reconciling: what a report of a node means for the record of a VM.
 *
 * The hypervisor is the truth: whatever the record says, the report wins. The
 * one thing that is not believed is a report from a node other than the one
 * that holds the VM, since a node that came back late may still list a domain
 * that runs elsewhere now.
 *
 * @module
 */
import type { DomainState, VmState, VmStatus } from "../schema/vm.ts";
import { occupies } from "./vm_machine.ts";

/** What a node says about one domain. */
export interface Seen {
  readonly state: DomainState;
  readonly reason: string;
  readonly incarnation: string | null;
  readonly generation: number;
  /** Its guard paused it, when the node's lease was over. */
  readonly held?: boolean | undefined;
}

/** What to do about a domain that a node reports. */
export type Action =
  | { readonly type: "update"; readonly status: VmStatus }
  | { readonly type: "keep" }
  /** A domain of ours without a record, or of nobody: make it known. */
  | { readonly type: "adopt" }
  /** The VM is held by another node. */
  | { readonly type: "stranger" };

/** What is known of the VM that a report is about. */
export interface Known {
  readonly node: string | null;
  readonly status: VmStatus;
  /** What the record says is old: where it is, the node that has it tells. */
  readonly unconfirmed?: boolean | undefined;
}

/**
 * What a report from `node` means for a VM (null when there is no record).
 * `at` is when it was seen, ISO 8601.
 */
export function reconcile(
  known: Known | null,
  seen: Seen,
  node: string,
  at: string,
): Action {
  if (known === null) {
    return seen.state === "absent" ? { type: "keep" } : { type: "adopt" };
  }
  const isElsewhere = known.node !== null && known.node !== node;
  if (isElsewhere && known.unconfirmed !== true) return { type: "stranger" };
  return statusAfter(known.status, seen, at);
}

function statusAfter(status: VmStatus, seen: Seen, at: string): Action {
  const isSameRun = status.state === seen.state &&
    status.incarnation === seen.incarnation;
  // Why a run ended stays true; what ails one that goes on may pass.
  const keepsReason = isSameRun && seen.reason === "" && !occupies(seen.state);
  const reason = keepsReason ? status.reason : seen.reason;
  const last = seen.held === true ? status.last ?? "running" : undefined;
  const isKnown = isSameRun && status.reason === reason &&
    status.observedGeneration === seen.generation && status.last === last;
  if (isKnown) return { type: "keep" };
  const isGuarded = status.guard?.incarnation === seen.incarnation &&
    occupies(seen.state);
  return {
    type: "update",
    status: {
      state: seen.state,
      reason,
      incarnation: seen.incarnation,
      since: status.state === seen.state ? status.since : at,
      observedGeneration: seen.generation,
      ...(last === undefined ? {} : { last }),
      ...(isGuarded ? { guard: status.guard } : {}),
    },
  };
}

/**
 * What a VM becomes that its own node, listing everything, did not list, or
 * whose node is known to run nothing any more; null when it was off. `why`
 * begins its reason.
 */
export function missing(
  status: VmStatus,
  at: string,
  why = "its node no longer has it",
): VmStatus | null {
  if (!occupies(status.state)) return null;
  const { guard: _, ...rest } = status;
  return {
    ...rest,
    state: "crashed",
    reason: `${why} (it was ${lastState(status)})`,
    since: at,
  };
}

/** What a VM was doing when it was heard of last. */
export function lastState({ state, last }: VmStatus): VmState {
  return last ?? state;
}

/** What a VM becomes when its node has been silent past its lease. */
export function silent(
  status: VmStatus,
  node: string,
  at: string,
): VmStatus | null {
  if (status.state === "unknown" || !occupies(status.state)) return null;
  const last = status.last ?? status.state;
  return {
    ...status,
    state: "unknown",
    reason: `node ${node} is out of reach (it was ${last})`,
    since: at,
    last,
  };
}
