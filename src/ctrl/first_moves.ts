/**
 * First moves: what each operation of a request does at once, decided together
 * so that placement sees the whole request.
 *
 * Everything here is one synchronous step on the newest records: no other
 * request can take what this one was promised.
 *
 * @module
 */
import { advance, ended, type Move } from "../core/advance.ts";
import { place, type PlacementNode } from "../core/placement/place.ts";
import { planSteps } from "../core/step.ts";
import { verdict } from "../core/vm_machine.ts";
import type { Vm } from "../schema/vm.ts";
import { placementNodes } from "./capacity.ts";
import type { Draft } from "./drafts.ts";
import { boundToDead } from "./operations/bound.ts";
import { notPlaced, wishOf } from "./operations/placing.ts";
import type { Runner } from "./operations/runner.ts";
import type { Records, Write } from "./records.ts";

/** A draft's first move, and what must be written with it. */
export interface FirstMove {
  readonly move: Move;
  readonly writes: readonly Write[];
  readonly claimed: boolean;
}

/** What first moves are decided on. */
export interface MoveParts {
  readonly records: Records;
  readonly runner: Runner;
  /** Now, ISO 8601. */
  readonly at: string;
}

/** What every operation does first; those that need a node are placed together. */
export function firstMoves(
  drafts: readonly Draft[],
  parts: MoveParts,
): FirstMove[] {
  const own = new Set(drafts.map(({ vm }) => vm.uid));
  const nodes = drafts.some((draft) => draft.claimed && turnsOn(draft))
    ? placementNodes(
      parts.records,
      (uid) => parts.runner.isStarting(uid) && !own.has(uid),
    )
    : [];
  return drafts.map((draft) =>
    draft.claimed ? begin(draft, nodes, parts) : wait(draft)
  );
}

/** It waits for its turn; what it wants of its VM counts from then on. */
function wait(draft: Draft): FirstMove {
  const { target, vm } = draft;
  const move = { operation: draft.operation, step: null };
  const isFreed = target.vm?.status.state === "absent" &&
    target.vm.node !== vm.node;
  const freed = isFreed ? { ...target.vm, node: vm.node } as Vm : null;
  const writes = freed === null ? [] : [vmWrite(draft, freed)];
  return { move, writes, claimed: false };
}

function begin(
  draft: Draft,
  nodes: readonly PlacementNode[],
  { records, runner, at }: MoveParts,
): FirstMove {
  const { vm, operation } = draft;
  const uncertain = runner.isUncertain(vm.uid);
  if (uncertain || !turnsOn(draft)) {
    const move = advance(operation, vm, { at, uncertain });
    // What is refused at once changes nothing, the owner's wish neither.
    const isRefused = move.operation.state === "failed";
    return { move, writes: isRefused ? [] : changed(draft, vm), claimed: true };
  }
  const bound = boundToDead(vm, records);
  if (bound !== null) {
    return { move: ended(operation, at, bound), writes: [], claimed: true };
  }
  const wish = wishOf(vm, vm.node ?? operation.options.on);
  const [placement] = place(nodes, [wish]);
  if (placement?.type !== "placed") {
    const error = notPlaced(vm, placement?.refusals ?? {}, nodes.length);
    // A VM that could not be placed is not registered either.
    return { move: ended(operation, at, error), writes: [], claimed: true };
  }
  const placed = { ...vm, node: placement.node };
  const begun = [...operation.begun, "place"];
  const move = advance({ ...operation, begun }, placed, { at, uncertain });
  return { move, writes: [vmWrite(draft, placed)], claimed: true };
}

/** Whether the operation, begun now, would turn on a VM that is off. */
function turnsOn({ operation, vm }: Draft): boolean {
  if (!planSteps(operation.verb).includes("start")) return false;
  if (verdict(operation.verb, vm.status.state).type !== "go") return false;
  return vm.status.state === "absent" || vm.status.state === "stopped" ||
    vm.status.state === "crashed";
}

function changed(draft: Draft, vm: Vm): Write[] {
  return draft.vmChanged ? [vmWrite(draft, vm)] : [];
}

function vmWrite({ target }: Draft, vm: Vm): Write {
  const note = target.vm === undefined ? "registered" : "changed";
  return { kind: "vm", key: vm.uid, value: vm, note };
}
