/**
 * First moves: what each operation of a request does at once, decided together
 * so that placement sees the whole request.
 *
 * Everything here is one synchronous step on the newest records: no other
 * request can take what this one was promised.
 *
 * @module
 */
import { advance, ended, type Move } from "../../core/advance.ts";
import { placeAll } from "../../core/placement/batch.ts";
import { type Decision, Placer } from "../../core/placement/placer.ts";
import { type Wish, wishOf } from "../../core/placement/wish.ts";
import { planSteps } from "../../core/step.ts";
import { verdict } from "../../core/vm_machine.ts";
import type { UsherError } from "../../error/mod.ts";
import type { Verb } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Draft } from "./drafts.ts";
import { notWhole } from "../nodes/partial_vms.ts";
import { boundToDead } from "../operations/bound.ts";
import { awaited, notPlaced, startInPlace } from "../operations/node_choice.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records, Write } from "../records/records.ts";

/** A draft's first move, and what must be written with it. */
export interface FirstMove {
  readonly move: Move;
  readonly writes: readonly Write[];
  readonly claimed: boolean;
  /** Where it goes, when a node was chosen for it. */
  readonly decision?: Decision;
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
  const refused = overQuota(drafts, parts);
  const decisions = decide(drafts.filter((it) => !refused.has(it)), parts);
  return drafts.map((draft) => {
    if (!draft.claimed) return wait(draft);
    const error = refused.get(draft);
    if (error === undefined) return begin(draft, decisions.get(draft), parts);
    // It is not registered either.
    const unchanged = { ...draft.operation, changed: false };
    const move = ended(unchanged, parts.at, error);
    return { move, writes: [], claimed: true };
  });
}

/** Those that would take more than their owners or clusters may have. */
function overQuota(
  drafts: readonly Draft[],
  { records }: MoveParts,
): Map<Draft, UsherError> {
  const ledger = records.capacity.quotas.open();
  const refused = new Map<Draft, UsherError>();
  for (const draft of drafts) {
    if (!draft.claimed) continue;
    const error = ledger.take(draft.vm, {
      isNew: draft.target.vm === undefined,
      turnsOn: turnsOn(draft),
      verb: draft.operation.verb,
    });
    if (error !== null) refused.set(draft, error);
  }
  return refused;
}

/**
 * Where those go that begin by being turned on. One that may be otherwise than
 * its record says needs its room as well, should the record be right.
 */
function decide(
  drafts: readonly Draft[],
  { records, runner }: MoveParts,
): Map<Draft, Decision> {
  const placed = drafts.filter((draft) =>
    draft.claimed && turnsOn(draft) &&
    (draft.vm.node !== null || !runner.isUncertain(draft.vm.uid))
  );
  if (placed.length === 0) return new Map();
  const { picture, strategy } = records.capacity;
  using placer = new Placer(picture, strategy);
  const decisions = placeAll(
    picture,
    placer,
    placed.map((draft) => wishFor(draft, runner.isUncertain(draft.vm.uid))),
  );
  return new Map(placed.map((draft, i) => [draft, decisions[i] as Decision]));
}

function wishFor(
  { vm, operation: { verb, options } }: Draft,
  uncertain: boolean,
): Wish {
  if (vm.node === null) return wishOf(vm, { on: options.on });
  const wish = startInPlace(vm, verb, vm.node);
  // Its node tells first how it is: the step waits for that.
  return uncertain ? awaited(wish) : wish;
}

/** It waits for its turn; what it wants of its VM counts from then on. */
function wait({ operation }: Draft): FirstMove {
  return { move: { operation, step: null }, writes: [], claimed: false };
}

function begin(
  draft: Draft,
  decision: Decision | undefined,
  { records, runner, at }: MoveParts,
): FirstMove {
  const { vm, operation } = draft;
  // Also of one that is on: cycled or moved, it would begin without its disks.
  const lacks = beginsAnew(operation.verb) ? notWhole(vm) : null;
  if (lacks !== null) {
    return { move: ended(operation, at, lacks), writes: [], claimed: true };
  }
  const uncertain = runner.isUncertain(vm.uid);
  if (decision === undefined) {
    const move = advance(operation, vm, { at, uncertain });
    // What is refused at once changes nothing, the owner's wish neither.
    const isRefused = move.operation.state === "failed";
    return { move, writes: isRefused ? [] : changed(draft, vm), claimed: true };
  }
  const bound = boundToDead(vm, records);
  if (bound !== null) {
    return { move: ended(operation, at, bound), writes: [], claimed: true };
  }
  if (decision.type === "refused") {
    const error = notPlaced(vm, decision);
    // A VM that could not be placed is not registered either.
    const unchanged = { ...operation, changed: false };
    return { move: ended(unchanged, at, error), writes: [], claimed: true };
  }
  const placed = { ...vm, node: decision.node };
  // What it did not choose is not taken back with it.
  const begun = vm.node === null
    ? [...operation.begun, "place"]
    : operation.begun;
  const move = advance({ ...operation, begun }, placed, { at, uncertain });
  const writes = [vmWrite(draft, placed)];
  return { move, writes, claimed: true, decision };
}

/** Whether `verb` has a node begin with the VM as its record has it. */
function beginsAnew(verb: Verb): boolean {
  return planSteps(verb).some((step) => step === "start" || step === "receive");
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
