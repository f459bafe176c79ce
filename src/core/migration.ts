/**
 * Decisions about VMs that move: what a target makes of an operation, when the
 * VM becomes the target's, whether another target is tried, and what is done
 * about copies that were left somewhere.
 *
 * A VM belongs to exactly one node at any time, the one its record names. So
 * whatever is found on another node is a copy that may go, as long as it does
 * not run; and a copy that must not run on the VM's own node is let go on.
 *
 * @module
 */
import { type ErrorCode, isUsherError } from "../error/mod.ts";
import type { Transfer } from "../schema/frame.ts";
import { MigrateOptions } from "../schema/migrate.ts";
import type { Operation } from "../schema/operation.ts";
import type { DomainState, Vm } from "../schema/vm.ts";
import { occupies } from "./vm_machine.ts";

/** So many targets are tried when placement may choose. */
export const MAX_TARGETS = 3;

/** The operation once placement chose `node` for its VM. */
export function targeted(
  operation: Operation,
  vm: Vm,
  node: string,
): Operation {
  return {
    ...operation,
    from: vm.node,
    to: node,
    live: occupies(vm.status.state),
  };
}

/** The VM once it is decided that it is the target's. */
export function switched(vm: Vm, { to }: Operation): Vm {
  return { ...vm, node: to };
}

/** Whether the VM is the target's already: from then on there is no way back. */
export function isSwitched(operation: Operation, vm: Vm): boolean {
  return operation.verb === "migrate" && operation.to !== null &&
    vm.node === operation.to;
}

/** Failures that are the source's or the request's: another target cannot help. */
const NOT_THE_TARGETS: readonly ErrorCode[] = [
  "cancelled",
  "internal",
  "not_found",
  "stale",
];

/** Whether `operation`, which `error` broke, is tried with another target. */
export function triesAnother(operation: Operation, error: unknown): boolean {
  const { options, to, step, tried = [] } = operation;
  if (to === null || options.to !== undefined) return false;
  if (tried.length + 1 >= MAX_TARGETS) return false;
  if (step !== "receive" && step !== "send") return false;
  return isUsherError(error) && !NOT_THE_TARGETS.includes(error.code);
}

/** The operation, to be placed anew on any node but those that were tried. */
export function retargeted(
  operation: Operation,
  at: string,
  why: string,
): Operation {
  const { to, tried = [] } = operation;
  const text = `${to} could not take it in: ${why}; looking for another node`;
  return {
    ...operation,
    step: "place",
    to: null,
    tried: to === null ? tried : [...tried, to],
    trail: [...operation.trail, { at, source: "controller", text }],
  };
}

/** What the acts of a migration are told, besides what its ends told each other. */
export function transferOf(operation: Operation, peer: string): Transfer {
  const { id, tried = [], live, options } = operation;
  return {
    // A target that was tried in vain must not be taken for the next one.
    id: tried.length === 0 ? id : `${id}-${tried.length + 1}`,
    peer,
    live: live === true,
    options: options.migrate ?? MigrateOptions.parse({}),
    offer: null,
    ticket: null,
  };
}

/** What is known of a copy on a node. */
export interface Copy {
  readonly node: string;
  /** As the node reports it; null when there may be one, and nobody knows. */
  readonly state: DomainState | null;
}

/** What a node was in the last migration of a VM that it took part in. */
export type Role =
  | "source"
  /** The decision for it was made, so its copy is whole. */
  | "target"
  /** It was to be a target, and has a part of the VM at most. */
  | "candidate";

/** What `node` is in `operation`, a migration; null when it has no part in it. */
export function roleOf(node: string, operation: Operation): Role | null {
  const { from, to, tried = [], begun } = operation;
  if (node === from) return "source";
  if (node === to) return begun.includes("switch") ? "target" : "candidate";
  return tried.includes(node) ? "candidate" : null;
}

/**
 * What is done about a copy: `reclaim` makes the VM its node's again, without
 * power; `later` when it cannot be told yet.
 */
export type CopyAction =
  | "release"
  | "abort"
  | "activate"
  | "reclaim"
  | "later"
  | "keep";

/**
 * What is done about a copy of `vm` (undefined when it is gone) that no
 * operation works on, on a node that had that role.
 */
export function actionFor(
  copy: Copy,
  vm: Vm | undefined,
  role: Role | null,
): CopyAction {
  // What runs is never ended, wherever it is.
  const mayRun = copy.state !== null && copy.state !== "migrating" &&
    occupies(copy.state);
  if (mayRun) return "keep";
  if (vm === undefined) return "release";
  if (vm.node === copy.node) return ownAction(copy, role);
  // Not before the VM's own node has told how it is there.
  const { state } = vm.status;
  if (state === "unknown" || state === "migrating") return "later";
  if (state !== "absent" || role === "candidate") return "release";
  // Its own node has nothing of it, so a whole copy is all there is.
  return copy.state === "migrating" && role !== null ? "reclaim" : "later";
}

/** What lets a VM go on that its own node holds. */
function ownAction({ state }: Copy, role: Role | null): CopyAction {
  if (state !== null && state !== "migrating") return "keep";
  switch (role) {
    case "source":
      return "abort";
    case "target":
      return state === "migrating" ? "activate" : "keep";
    case "candidate":
      // A part of a VM is none, though the VM has come to its node since.
      return "release";
    case null:
      return "keep";
  }
}
