/**
 * The wish: what a VM asks of its node.
 *
 * @module
 */
import type { FilterName } from "../../schema/placement.ts";
import type { PlacementSpec, Vm } from "../../schema/vm.ts";

/** What a VM needs, and what was asked for it. */
export interface Wish {
  readonly uid: string;
  /** The full name. */
  readonly name: string;
  readonly driver: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly placement: PlacementSpec;
  /** The only node allowed. */
  readonly on?: string | undefined;
  /** Nodes that it must leave. */
  readonly exclude?: readonly string[] | undefined;
  /** All VMs must leave those nodes, though their records do not say so yet. */
  readonly allLeave?: boolean | undefined;
  /** Abilities that its driver must have there. */
  readonly abilities?: readonly string[] | undefined;
  /** What is not asked of the node this time. */
  readonly waived?: readonly FilterName[] | undefined;
  /** It has no power and gets none by this: it takes nothing of its node. */
  readonly cold?: boolean | undefined;
}

/** What may be asked for one placement besides what the VM needs. */
export type Asking = Pick<
  Wish,
  "on" | "exclude" | "allLeave" | "abilities" | "waived" | "cold"
>;

/** The wish of `vm`. */
export function wishOf(vm: Vm, asking: Asking = {}): Wish {
  const { driver, memoryMiB, vcpus, placement } = vm.spec;
  return {
    uid: vm.uid,
    name: vm.name,
    driver: driver ?? "",
    memoryMiB,
    vcpus,
    placement,
    ...asking,
  };
}

/**
 * What a VM that goes on where it lies is not asked again: it was asked when
 * it came, and cutting its power must not be what keeps it off.
 */
export const STAYS: readonly FilterName[] = [
  "reach",
  "draining",
  "labels",
  "apart",
  "together",
];

/** What a VM that has no power need not have: it takes none of it. */
export const COLD: readonly FilterName[] = ["memory", "vcpus"];
