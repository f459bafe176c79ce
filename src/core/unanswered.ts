/**
 * Starts that ended without an answer: nobody knows whether the VM runs.
 *
 * While a controller lives it remembers that in the VM's lane. The next one
 * reads it from the operations, which say how they ended; else it would start
 * a VM on a second node whose record says that it is off.
 *
 * @module
 */
import type { ErrorCode } from "../schema/error_code.ts";
import type { Operation } from "../schema/operation.ts";
import type { Vm } from "../schema/vm.ts";
import { isFinal } from "./operation_machine.ts";
import { occupies } from "./vm_machine.ts";

/** Ends that say nothing of what was asked of a node before them. */
const SILENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "cancelled",
  "internal",
  "interrupted",
  "timed_out",
  "unavailable",
]);

/** Whether `operation`, the last that worked on `vm`, may have started it unseen. */
export function mayRunUnseen(vm: Vm, operation: Operation): boolean {
  const { state, begun, problem, endedAt } = operation;
  if (!isFinal(state) || endedAt === null || problem === null) return false;
  if (!begun.includes("start") || !SILENT.has(problem.code)) return false;
  // What was heard later is how it is.
  return vm.node !== null && !occupies(vm.status.state) &&
    vm.status.since <= endedAt;
}

/** The last operation of each VM that asked a node for anything. */
export function lastThatWorked(
  operations: Iterable<Operation>,
): Map<string, Operation> {
  const last = new Map<string, Operation>();
  for (const operation of operations) {
    const { uid, step, begun, revision } = operation;
    const asked = step !== null || begun.some((it) => !RECORDS_ALONE.has(it));
    if (!asked || revision < (last.get(uid)?.revision ?? 0)) continue;
    last.set(uid, operation);
  }
  return last;
}

/** What is begun without asking a node. */
const RECORDS_ALONE: ReadonlySet<string> = new Set(["place", "register"]);
