/**
 * Whether an operation can be cancelled now, and what that does.
 *
 * One that has not begun is taken out of its queue. One that runs stops at its
 * next step border and takes back what it did, until it begins something that
 * cannot be taken back; from there on it goes to its end, since stopping would
 * leave its VM half way. A power cut takes over from either.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { Cancellable, Operation } from "../schema/operation.ts";
import type { Vm } from "../schema/vm.ts";
import { isSwitched } from "./migration.ts";
import { isFinal } from "./operation_machine.ts";
import { isPointOfNoReturn, type StepName } from "./step.ts";

/** Why a step that has begun is not taken back. */
const PAST: Readonly<Record<string, string>> = {
  poweroff: "its power is being cut",
  shutdown: "the guest has been asked to turn off",
  forget: "what the node keeps of it is being removed",
  unregister: "it is being unregistered",
  switch: "it belongs to its new node already",
  release: "it belongs to its new node already",
};

const UNDONE = "it stops at its next step, and what it did is taken back";

/** What cancelling `operation` now would do, or why it cannot be. */
export function cancellable(
  operation: Operation,
  vm: Vm | undefined,
): Cancellable {
  const { state, begun, verb } = operation;
  if (isFinal(state)) return no(`it ${state} already`);
  if (state === "pending") return yes("it has not begun, and never will");
  if (verb === "migrate" && vm !== undefined && isSwitched(operation, vm)) {
    return no(`it belongs to node ${vm.node} already`);
  }
  const past = begun.find((step) => isPointOfNoReturn(step as StepName));
  if (past !== undefined) return no(PAST[past] ?? `"${past}" has begun`);
  return yes(state === "cancelling" ? "it is being taken back" : UNDONE);
}

function yes(why: string): Cancellable {
  return { can: true, why };
}

function no(why: string): Cancellable {
  return { can: false, why };
}

/** Throws `wrong_state` when `operation` cannot be cancelled. */
export function refuseUncancellable(
  operation: Operation,
  vm: Vm | undefined,
): void {
  const { can, why } = cancellable(operation, vm);
  if (can) return;
  const { id, verb } = operation;
  const name = operation.vm;
  throw new UsherError(
    "wrong_state",
    `Cannot cancel ${verb} of VM "${name}": ${why}`,
    {
      hint: isFinal(operation.state)
        ? `see what became of it with "usher op show ${id}"`
        : verb === "migrate"
        ? `wait for its end ("usher op attach ${id}"), then migrate it back`
        : `wait for its end ("usher op attach ${id}"); "usher vm poweroff ${name}" takes over from it`,
      subject: name,
    },
  );
}
