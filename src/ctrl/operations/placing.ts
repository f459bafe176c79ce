/**
 * Placing within an operation: a VM that waited gets its node, and one that
 * has a node must still fit there before it is turned on again.
 *
 * @module
 */
import { advance, ended, type Move } from "../../core/advance.ts";
import { place, refusal } from "../../core/placement/place.ts";
import { UsherError } from "../../error/mod.ts";
import type { Vm } from "../../schema/vm.ts";
import { placementNodes } from "../capacity.ts";
import type { Records, Write } from "../records.ts";
import { boundToDead } from "./bound.ts";
import { chooseTarget } from "./target.ts";

/** A move, and what else must be written with it. */
export type PlacedMove = Move & { readonly writes: readonly Write[] };

/** What a placement decides on. */
export interface Placing {
  readonly records: Records;
  /** Now, ISO 8601. */
  readonly at: string;
  isStarting(uid: string): boolean;
}

/** Chooses a node when the next step asks for one, in one synchronous decision. */
export function placeIfAsked(
  move: Move,
  vm: Vm | undefined,
  placing: Placing,
): PlacedMove {
  if (vm === undefined) return { ...move, writes: [] };
  if (move.step === "start") return checkRoom(move, vm, placing);
  if (move.step !== "place") return { ...move, writes: [] };
  if (move.operation.verb === "migrate") return chooseTarget(move, vm, placing);
  const nodes = nodesWithout(vm, placing);
  const [placement] = place(nodes, [wishOf(vm, move.operation.options.on)]);
  if (placement?.type !== "placed") {
    const error = notPlaced(vm, placement?.refusals ?? {}, nodes.length);
    return { ...ended(move.operation, placing.at, error), writes: [] };
  }
  const placed = { ...vm, node: placement.node };
  const next = advance(move.operation, placed, {
    at: placing.at,
    uncertain: false,
  });
  const note = `placed on ${placement.node}`;
  return {
    ...next,
    writes: [{ kind: "vm", key: vm.uid, value: placed, note }],
  };
}

function checkRoom(move: Move, vm: Vm, placing: Placing): PlacedMove {
  const bound = boundToDead(vm, placing.records);
  if (bound !== null) {
    return { ...ended(move.operation, placing.at, bound), writes: [] };
  }
  const isOff = vm.status.state === "stopped" || vm.status.state === "crashed";
  const node = nodesWithout(vm, placing).find(({ name }) => name === vm.node);
  if (node === undefined || !isOff) return { ...move, writes: [] };
  const why = refusal({ ...node, ready: true }, wishOf(vm, undefined));
  if (why === null) return { ...move, writes: [] };
  const error = notPlaced(vm, { [node.name]: why }, 1);
  return { ...ended(move.operation, placing.at, error), writes: [] };
}

function nodesWithout(vm: Vm, { records, isStarting }: Placing) {
  return placementNodes(records, (uid) => uid !== vm.uid && isStarting(uid));
}

/** What the choice of another node for a VM is bound to. */
export interface Moving {
  /** The only node allowed: what the request asks for. */
  readonly on?: string | undefined;
  /** Nodes that are out of the question; the VM's present one when absent. */
  readonly exclude?: readonly string[] | undefined;
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
  { on, exclude = vm.node === null ? [] : [vm.node] }: Moving = {},
): string {
  const nodes = placementNodes(records, () => false)
    .filter(({ name }) => !exclude.includes(name));
  const [placement] = place(nodes, [wishOf(vm, on)]);
  if (placement?.type === "placed") return placement.node;
  throw notPlaced(vm, placement?.refusals ?? {}, nodes.length);
}

/** What placement is asked for a VM. */
export function wishOf(vm: Vm, on: string | undefined) {
  const { driver, memoryMiB, vcpus } = vm.spec;
  return { driver: driver ?? "", memoryMiB, vcpus, on };
}

/** The error of a VM that none of `nodes` nodes can take, with why some of them cannot. */
export function notPlaced(
  vm: Vm,
  refusals: Readonly<Record<string, string>>,
  nodes: number,
): UsherError {
  const reasons = Object.entries(refusals);
  const shown = reasons.slice(0, 5).map(([node, why]) => `${node}: ${why}`)
    .join("; ");
  const more = nodes > 5 ? `; and ${nodes - 5} more nodes` : "";
  return new UsherError(
    "insufficient_resources",
    `Cannot place VM "${vm.name}" on any node`,
    {
      hint: reasons.length === 0
        ? 'no node has joined; "usher node token" prints what a node needs'
        : shown + more,
      refusals,
      subject: vm.name,
    },
  );
}
