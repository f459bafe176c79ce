/**
 * The choice of a node for a VM: what it asks for when it is turned on where
 * it lies or moves elsewhere, and the words for it when no node can take it.
 *
 * @module
 */
import { placeAll } from "../../core/placement/batch.ts";
import type { Refused } from "../../core/placement/explain.ts";
import { type Decision, Placer } from "../../core/placement/placer.ts";
import {
  type Asking,
  COLD,
  STAYS,
  type Wish,
  wishOf,
} from "../../core/placement/wish.ts";
import { occupies } from "../../core/vm_machine.ts";
import { UsherError } from "../../error/mod.ts";
import type { Verb } from "../../schema/operation.ts";
import { FilterName, type NodeRefusal } from "../../schema/placement.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Capacity } from "../records/capacity.ts";
import type { Records } from "../records/records.ts";

/** What a VM that lies on `node` asks when `verb` turns it on there. */
export function startInPlace(vm: Vm, verb: Verb, node: string): Wish {
  const waived = verb === "start" ? [] : STAYS;
  return wishOf(vm, { on: node, waived });
}

/** The same wish, for a node that may be away: its step waits until it is back. */
export function awaited(wish: Wish): Wish {
  return { ...wish, waived: [...wish.waived ?? [], "reach"] };
}

/** Decides on one VM alone. */
export function decide({ picture, strategy }: Capacity, wish: Wish): Decision {
  using placer = new Placer(picture, strategy);
  return placer.place(wish);
}

/** What the choice of another node for a VM is bound to. */
export interface Moving {
  /** The only node allowed: what the request asks for. */
  readonly on?: string | undefined;
  /** Nodes that are out of the question; the VM's present one when absent. */
  readonly exclude?: readonly string[] | undefined;
  /** Every VM leaves those nodes, one after another, as when they are drained. */
  readonly allLeave?: boolean | undefined;
  /** Abilities that its driver must have there. */
  readonly abilities?: readonly string[] | undefined;
  /** It is turned on there: then one that is off needs room as well. */
  readonly starts?: boolean | undefined;
  /** What cannot be done when no node is found, such as `place VM "web" on`. */
  readonly what?: string | undefined;
}

/**
 * The node that `vm` should move to, or start anew on after its own was lost.
 * What it takes where it lies now is not counted against it. The choice is
 * kept by writing it in the same synchronous step (the operation's `to`, or
 * the VM's `node`); before that the next decision knows nothing of it. Throws
 * `insufficient_resources` with what each node refuses.
 */
export function targetFor(
  vm: Vm,
  records: Records,
  moving: Moving = {},
): string {
  const decision = decide(records.capacity, movingWish(vm, moving));
  if (decision.type === "placed") return decision.node;
  throw notPlaced(vm, decision, moving.what);
}

/** As `targetFor`, for VMs that move at once: one decision, each seeing the others. */
export function targetsFor(
  vms: readonly Vm[],
  records: Records,
  moving: Moving = {},
): (string | UsherError)[] {
  const { picture, strategy } = records.capacity;
  using placer = new Placer(picture, strategy);
  const wishes = vms.map((vm) => movingWish(vm, moving));
  const decisions = moving.allLeave === true
    ? wishes.map((wish) => placer.place(wish))
    : placeAll(picture, placer, wishes);
  return decisions.map((decision, i) =>
    decision.type === "placed"
      ? decision.node
      : notPlaced(vms[i] as Vm, decision, moving.what)
  );
}

/** What a VM asks of a node that it moves to: without power it takes no room there. */
export function movingWish(
  vm: Vm,
  { on, exclude, allLeave, abilities, starts = false }: Moving = {},
): Wish {
  const cold = !starts && !occupies(vm.status.state);
  const asking: Asking = {
    on,
    allLeave,
    abilities,
    exclude: exclude ?? (vm.node === null ? [] : [vm.node]),
    ...(cold ? { cold, waived: COLD } : {}),
  };
  return wishOf(vm, asking);
}

/** The error of a VM that no node can take, with what is in the way of each kind of node. */
export function notPlaced(
  vm: Vm,
  { nodes, refusedBy, on }: Refused,
  what = `place VM "${vm.name}" on`,
): UsherError {
  const told = refusedBy.flatMap(({ nearest }) => nearest);
  return new UsherError(
    "insufficient_resources",
    `Cannot ${what} ${on === undefined ? "any node" : `node ${on}`}`,
    {
      hint: nodes > 0
        ? smallestChange(told)
        : on !== undefined
        ? 'there is no such node; see "usher node list"'
        : vm.node === null
        ? 'no node has joined; "usher node token" prints what a node needs'
        : `there is no other node than ${vm.node}; "usher node token" prints what another needs`,
      refusals: Object.fromEntries(
        told.map(({ node, why, change }) => [
          node,
          change === "" ? why : `${why}; ${change}`,
        ]),
      ),
      refusedBy,
      subject: vm.name,
    },
  );
}

/**
 * What is easiest to change of all that was told (filters stand in the order of
 * hardness), or else what cannot be changed.
 */
function smallestChange(told: readonly NodeRefusal[]): string | undefined {
  const hardness = FilterName.options;
  const [easiest] = told.filter(({ change }) => change !== "").toSorted((
    a,
    b,
  ) =>
    a.filters.length - b.filters.length ||
    hardness.indexOf(b.filters[0] ?? "on") -
      hardness.indexOf(a.filters[0] ?? "on")
  );
  if (easiest !== undefined) return `on ${easiest.node}, ${easiest.change}`;
  const [first] = told;
  return first && `${first.node}: ${first.why}`;
}
