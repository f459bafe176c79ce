/**
 * Plans: what a request would do, without doing it.
 *
 * It is made of the very decisions that a request is made of, targets, drafts,
 * turns, first moves and placement, on the same records in one synchronous
 * step; only nothing is written and no lane is taken. So what it tells can
 * differ from what then happens by what changes in between, and by nothing
 * else.
 *
 * @module
 */
import type { Move } from "../../core/advance.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { shareLeft } from "../../core/placement/score.ts";
import { askFor } from "../../core/placement/ask.ts";
import { Placer } from "../../core/placement/placer.ts";
import {
  holds,
  isPointOfNoReturn,
  nodeOf,
  planSteps,
  type StepName,
} from "../../core/step.ts";
import type { Plan, PlannedStep, PlannedVm } from "../../schema/plan.ts";
import type { VmRequest } from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/caller.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import { type Draft, draftsOf } from "./drafts.ts";
import { type FirstMove, firstMoves } from "./first_moves.ts";
import { placeIfAsked } from "../operations/placing.ts";
import { movingWish } from "../operations/node_choice.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import type { SpecDefaults } from "./specs.ts";
import { withTurn } from "./turns.ts";

/** What plans are made on. */
export interface PlanParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly runner: Runner;
  readonly defaults: () => SpecDefaults;
}

/** What `request` would do now. Throws what the request would be refused with. */
export function planFor(
  request: VmRequest,
  caller: Caller,
  { context, records, runner, defaults }: PlanParts,
): Omit<Plan, "plugins"> {
  const at = isoNow(context);
  const { newId } = context;
  const drafts = draftsOf(
    request,
    caller,
    { records, runner, defaults, newId },
    {
      id: newId(),
      at,
    },
  ).map((draft) => {
    const { uid } = draft.vm;
    const holding = {
      holder: runner.busyWith(uid),
      waiting: runner.waiting(uid),
    };
    return withTurn(draft, holding, at);
  });
  const moves = firstMoves(drafts, { records, runner, at });
  // A request places what moves one after another, each seeing those before.
  const { picture, strategy } = records.capacity;
  using shown = new Placer(picture, strategy);
  const vms = drafts.map((draft, i) => {
    const first = moves[i] as FirstMove;
    const move = choose(draft.vm, first, { records, at, shown });
    return planned(draft, { ...first, move }, records, runner);
  });
  return { verb: request.verb, vms };
}

interface Choosing {
  readonly records: Records;
  readonly at: string;
  readonly shown: Placer;
}

/** The move, with the node chosen where that is its first step. */
function choose(
  vm: Vm,
  { move }: FirstMove,
  { records, at, shown }: Choosing,
): Move {
  if (move.step !== "place") return move;
  const next = placeIfAsked(move, vm, { records, at });
  const { to } = next.operation;
  const place = records.capacity.picture.place(to ?? "");
  if (place !== undefined) shown.take(movingWish(vm), place);
  return next;
}

function planned(
  draft: Draft,
  first: FirstMove,
  records: Records,
  runner: Runner,
): PlannedVm {
  const { target, vm } = draft;
  const { operation } = first.move;
  const now = target.vm?.node ?? null;
  const node = operation.to ?? operation.node ?? vm.node;
  const does = doesOf(first);
  const goes = does === "nothing" || does === "refused" ? null : node;
  return {
    vm: vm.name,
    isNew: target.vm === undefined,
    does,
    node: goes ?? now,
    from: now === null || now === (goes ?? now) ? null : now,
    left: leftAt(vm, first, records),
    steps: does === "steps" || does === "waits" ? stepsOf(draft, first) : [],
    waitsFor: does === "waits" ? runner.busyWith(vm.uid) : null,
    problem: operation.problem,
  };
}

function doesOf(
  { move: { operation }, claimed }: FirstMove,
): PlannedVm["does"] {
  if (operation.problem !== null) return "refused";
  if (isFinal(operation.state)) return operation.changed ? "steps" : "nothing";
  return claimed ? "steps" : "waits";
}

/** The steps of the verb; those before the first one that is taken are done. */
function stepsOf({ vm }: Draft, { move, decision }: FirstMove): PlannedStep[] {
  const { operation, step } = move;
  const names = planSteps(operation.verb);
  const first = step === null ? 0 : names.indexOf(step);
  const isChosen = decision?.type === "placed" || operation.to !== null;
  const placed = operation.to === null && operation.node !== null
    ? { ...vm, node: operation.node }
    : vm;
  const view = {
    operation,
    vm: {
      node: placed.node,
      state: vm.status.state,
      incarnation: vm.status.incarnation,
    },
  };
  const isDone = (name: StepName, i: number) =>
    name === "place" && isChosen
      ? vm.node !== null && operation.to === null
      : i < first || (step !== null && holds(name, view));
  return names.map((name, i) => ({
    name,
    node: name === "place" || name === "unregister"
      ? null
      : nodeOf(name, operation, placed),
    done: isDone(name, i),
    noReturn: isPointOfNoReturn(name),
  }));
}

/** What the node that was chosen would have left, as placement compared it. */
function leftAt(
  vm: Vm,
  { decision, move: { operation } }: FirstMove,
  { capacity: { picture, strategy } }: Records,
): number | null {
  if (decision?.type === "placed") {
    return strategy === "spread" ? decision.score : -decision.score;
  }
  const place = picture.place(operation.to ?? "");
  if (place === undefined) return null;
  // It is shown there already: what it takes is counted, and taken out once.
  return shareLeft(place, askFor(picture, movingWish(vm)));
}
