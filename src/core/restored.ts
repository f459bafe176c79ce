/**
 * What records become that are restored from a backup: they tell how things
 * were, and nobody knows how they are.
 *
 * A VM may have been started, moved or destroyed since. So it is `unknown`,
 * and no verb starts it, until its node, or whichever node has it, tells
 * (`unconfirmed`); only when every node has told and none has it, it counts
 * as gone. An operation that was open has ended since, one way or another: to
 * go on with it would do again what may be done, or undone on purpose.
 *
 * @module
 */
import { toProblem, UsherError } from "../error/mod.ts";
import type { NodeOperation } from "../schema/node_operation.ts";
import type { Operation } from "../schema/operation.ts";
import type { Vm } from "../schema/vm.ts";
import { isFinal } from "./operation_machine.ts";

/**
 * So far ahead of the backup's revisions begin those of the restored state:
 * more than any controller can have given out after the backup, so that none
 * is ever given out twice, and a watcher that saw more gets a snapshot.
 */
export const REVISION_GAP = 1_000_000_000_000;

/** More than the number of controllers that can have followed each other since. */
export const EPOCH_GAP = 1_000_000;

/** When the backup was made and when it is restored, ISO 8601. */
export interface Restoring {
  readonly madeAt: string;
  readonly at: string;
}

/** The VM, of which nobody knows where and how it is. */
export function restoredVm(vm: Vm, { madeAt, at }: Restoring): Vm {
  // One that usher did not make is found again, or is gone.
  if (vm.found) return vm;
  // What a guard promised, and what was owed, was so then.
  const { guard: _, ...status } = vm.status;
  const last = status.state === "unknown" ? status.last : status.state;
  return {
    ...vm,
    ...(vm.restarts === undefined
      ? {}
      : { restarts: { ...vm.restarts, due: false } }),
    status: {
      ...status,
      state: "unknown",
      reason:
        `restored from a backup of ${madeAt}; no node has told of it since`,
      since: at,
      ...(last === undefined ? {} : { last }),
    },
    unconfirmed: true,
  };
}

/** The node operation; one that was open has stopped, and may be asked for again. */
export function restoredNodeOperation(
  operation: NodeOperation,
  { madeAt, at }: Restoring,
): NodeOperation {
  if (isFinal(operation.state)) return operation;
  const { verb, node } = operation;
  const error = new UsherError(
    "interrupted",
    `What became of ${verb} of node "${node}" is unknown: the state was restored from a backup of ${madeAt}`,
    { hint: `ask for it again: usher node ${verb} ${node}`, subject: node },
  );
  return {
    ...operation,
    state: "failed",
    endedAt: at,
    problem: toProblem(error),
  };
}

/** The operation; one that was open has ended, and nobody knows how. */
export function restoredOperation(
  operation: Operation,
  { madeAt, at }: Restoring,
): Operation {
  if (isFinal(operation.state)) return operation;
  const error = new UsherError(
    "interrupted",
    `What became of ${operation.verb} of "${operation.vm}" is unknown: the state was restored from a backup of ${madeAt}`,
    {
      hint: `look with "usher vm show ${operation.vm}", then ask again`,
      subject: operation.vm,
    },
  );
  return {
    ...operation,
    state: "failed",
    waitsFor: null,
    endedAt: at,
    problem: toProblem(error),
    trail: [...operation.trail, {
      at,
      source: "restore",
      text: `was ${operation.state} in the backup of ${madeAt}`,
    }],
  };
}
