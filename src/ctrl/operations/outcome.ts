/**
 * What a step came to, as decisions see it.
 *
 * @module
 */
import type { StepView } from "../../core/step.ts";
import { UsherError } from "../../error/mod.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/records.ts";

/** The error of a step after which the VM is not as it should be. */
export function notSo(operation: Operation, vm: Vm): UsherError {
  const { reason, state } = vm.status;
  return new UsherError(
    "driver_failed",
    `Cannot ${operation.verb} VM "${vm.name}": it is ${state} afterwards`,
    {
      hint: reason === "" ? undefined : `the node says: ${reason}`,
      subject: vm.name,
    },
  );
}

/** What steps look at. */
export function viewOf(operation: Operation, vm: Vm): StepView {
  return {
    operation,
    vm: {
      node: vm.node,
      state: vm.status.state,
      incarnation: vm.status.incarnation,
    },
  };
}

/** The VM as `writes` leave it. */
export function lastVm(writes: readonly Write[], known: Vm): Vm {
  for (const write of writes.toReversed()) {
    if (
      write.kind === "vm" && write.key === known.uid && write.value !== null
    ) return write.value;
  }
  return known;
}
