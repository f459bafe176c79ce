/**
 * What binds a VM to its node: the disks that only this node has.
 *
 * A file that is not shared is nowhere else, and an overlay lies with its
 * node whatever its base is: a start elsewhere would begin with an empty one.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { Verb } from "../schema/operation.ts";
import type { DiskSpec, Vm, VmSpec } from "../schema/vm.ts";
import { planSteps } from "./step.ts";
import { occupies } from "./vm_machine.ts";

/** The first disk that ties a VM to the node that it is on; null when none does. */
export function bindingDisk({ disks }: VmSpec): DiskSpec | null {
  return disks.find(({ path, shared, readonly }) =>
    !readonly && (path === undefined || !shared)
  ) ?? null;
}

/** A disk as messages name it. */
export function diskName({ path, base }: DiskSpec): string {
  return path ?? `overlay on ${base}`;
}

/**
 * A VM of a dead node as `verb` finds it: placed anew by a start that no disk
 * forbids, and forgotten without asking anybody. Itself in every other case.
 */
export function freedFromDead(vm: Vm, verb: Verb): Vm {
  if (vm.node === null || occupies(vm.status.state)) return vm;
  const plan = planSteps(verb);
  if (plan.includes("unregister")) return { ...vm, node: null, ...nowhere(vm) };
  if (!plan.includes("place") || bindingDisk(vm.spec) !== null) return vm;
  // What may still be there of it is of an older generation.
  return { ...vm, node: null, generation: vm.generation + 1 };
}

/**
 * A VM as a start that names node `on` finds it: placed anew when no node has
 * a domain of it, and itself when it is there. Throws when one lies elsewhere,
 * and when nobody knows (`isUncertain`): it may run where it was placed.
 */
export function freedToMove(
  vm: Vm,
  on: string | undefined,
  isUncertain: (uid: string) => boolean,
): Vm {
  if (on === undefined || vm.node === null || vm.node === on) return vm;
  const isAbsent = vm.status.state === "absent";
  if (isAbsent && !isUncertain(vm.uid)) return { ...vm, node: null };
  const cannot = `Cannot start VM "${vm.name}" on node ${on}`;
  if (isAbsent) {
    throw new UsherError(
      "unavailable",
      `${cannot}: it may run on node ${vm.node} by now`,
      {
        hint: `once node ${vm.node} has told how it is, try again`,
        subject: vm.name,
      },
    );
  }
  throw new UsherError(
    "wrong_state",
    `${cannot}: it lies on node ${vm.node}`,
    {
      hint: "leave out --on, or destroy it and start it anew there",
      subject: vm.name,
    },
  );
}

/** What lies on no node has no domain, either. */
function nowhere({ node, status }: Vm): Pick<Vm, "status"> {
  const { since, observedGeneration } = status;
  const reason = `its node ${node} is dead`;
  return {
    status: {
      state: "absent",
      reason,
      incarnation: null,
      since,
      observedGeneration,
    },
  };
}
