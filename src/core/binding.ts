/**
 * What binds a VM to its node: the disks that only this node has.
 *
 * A file that is not shared is nowhere else, and an overlay lies with its
 * node whatever its base is: a start elsewhere would begin with an empty one.
 *
 * @module
 */
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
  if (plan.includes("unregister")) return { ...vm, node: null };
  if (!plan.includes("place") || bindingDisk(vm.spec) !== null) return vm;
  // What may still be there of it is of an older generation.
  return { ...vm, node: null, generation: vm.generation + 1 };
}
