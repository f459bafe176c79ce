/**
 * What the loss of a node means for its VMs: which start elsewhere, and when.
 *
 * Silence alone proves nothing, so by time only that is taken over which the
 * node's own guard would have paused before (`lease.ts`). All else waits for
 * proof: the node is declared dead, or comes back with a new boot.
 *
 * @module
 */
import type { Restarts, Vm } from "../schema/vm.ts";
import { type LeaseTerms, mayTakeOver } from "./lease.ts";
import { lastState } from "./reconcile.ts";
import { occupies } from "./vm_machine.ts";

/** Whether its owner wants `vm` started elsewhere when its node is lost. */
export function wantsRestart({ spec, status, found }: Vm): boolean {
  if (found || spec.onNodeLoss !== "restart" || spec.power !== "on") {
    return false;
  }
  // What its owner froze is not set going by us.
  const last = lastState(status);
  return last !== "paused" && last !== "absent" && last !== "stopped";
}

/** What is known of a VM's lost node. */
export interface Silence {
  /** Since the controller last said that it heard the node. */
  readonly sinceHeardMs: number;
  readonly terms: LeaseTerms;
}

/** Whether an unknown VM of a lost node may start elsewhere now, on the word of its guard. */
export function mayRestartByTime(
  vm: Vm,
  { sinceHeardMs, terms }: Silence,
): boolean {
  const { state, incarnation, guard } = vm.status;
  if (state !== "unknown" || !wantsRestart(vm)) return false;
  // Of another node, or of an earlier run, the word is worth nothing.
  const isGuarded = guard !== undefined && guard.node === vm.node &&
    guard.incarnation === incarnation;
  return isGuarded && mayTakeOver(sinceHeardMs, terms);
}

/** A VM whose domain is proved to be no more, as a start is owed to it or not. */
export function owing(vm: Vm, crashed: Vm): Vm {
  if (!occupies(vm.status.state) || !wantsRestart(vm)) return crashed;
  const before = vm.restarts ?? { count: 0, at: null };
  return { ...crashed, restarts: { ...before, due: true } };
}

/** A VM of which no guard holds a copy any more. */
export function heldNowhere(vm: Vm): Vm {
  if (vm.restarts?.heldOn === undefined) return vm;
  const { heldOn: _, ...restarts } = vm.restarts;
  return { ...vm, restarts };
}

/** The most starts in a row that losses of nodes bring one VM. */
export const MAX_RESTARTS = 5;

/** After so long without one, counting begins anew. */
const QUIET_MS = 3_600_000;

/** The pause before the second start in a row; each further one is twice as long. */
const FIRST_PAUSE_MS = 30_000;

/** Whether a VM that is owed a start may have it at `now`, or when, or never by itself. */
export function restartTurn(
  { count, at }: Pick<Restarts, "count" | "at">,
  now: number,
): { readonly type: "now" | "never" } | {
  readonly type: "later";
  readonly at: number;
} {
  const last = at === null ? null : Date.parse(at);
  // A clock that was put back must not make anybody wait for years.
  const isRow = last !== null && now >= last && now - last < QUIET_MS;
  if (!isRow || count === 0) return { type: "now" };
  if (count >= MAX_RESTARTS) return { type: "never" };
  const due = last + FIRST_PAUSE_MS * 2 ** (count - 1);
  return now >= due ? { type: "now" } : { type: "later", at: due };
}

/** The count after one more start at `now`. */
export function countedRestart(
  { count, at }: Pick<Restarts, "count" | "at">,
  now: number,
): number {
  const isRow = at !== null && now - Date.parse(at) < QUIET_MS;
  return isRow ? count + 1 : 1;
}
