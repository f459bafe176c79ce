/**
 * Explanations: why a VM is where it is, told by asking placement again, now,
 * about every node.
 *
 * @module
 */
import { askFor } from "../../core/placement/ask.ts";
import { refusalOf } from "../../core/placement/explain.ts";
import type { Picture } from "../../core/placement/picture.ts";
import { Placer } from "../../core/placement/placer.ts";
import { SCORES, shareLeft } from "../../core/placement/score.ts";
import { type Wish, wishOf } from "../../core/placement/wish.ts";
import { planSteps } from "../../core/step.ts";
import type { Explanation, NodeVerdict } from "../../schema/explanation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { movingWish } from "../operations/node_choice.ts";
import { MIGRATION } from "../operations/target.ts";
import type { Capacity } from "../records/capacity.ts";
import type { Records } from "../records/records.ts";

/** Why `vm` is where it is, and where it could be. */
export function explain(vm: Vm, records: Records): Explanation {
  const { capacity } = records;
  const { picture, strategy } = capacity;
  const { driver, vcpus, memoryMiB, placement } = vm.spec;
  const wish = wishOf(vm);
  const repelling = picture.neighbours.repelling(
    vm.name,
    picture.resident(vm.uid),
  );
  return {
    vm: vm.name,
    node: vm.node,
    state: vm.status.state,
    needs: { driver, vcpus, memoryMiB, placement },
    keptApartBy: repelling.map(({ pattern }) => pattern),
    strategy,
    placedBy: placedBy(vm, records),
    nodes: verdicts(wish, capacity, vm.node),
    ifDrained: vm.node === null ? null : ifDrained(vm, picture, capacity),
  };
}

function verdicts(
  wish: Wish,
  { picture, strategy }: Capacity,
  here: string | null,
): NodeVerdict[] {
  const ask = askFor(picture, wish);
  const score = SCORES[strategy];
  const all = picture.places().map((place) => ({
    score: score(place, ask),
    verdict: {
      node: place.name,
      isHere: place.name === here,
      left: shareLeft(place, ask),
      refusal: refusalOf(place, ask),
    },
  }));
  all.sort((a, b) =>
    Number(a.verdict.refusal !== null) - Number(b.verdict.refusal !== null) ||
    b.score - a.score
  );
  return all.map(({ verdict }) => verdict);
}

function ifDrained(
  vm: Vm,
  picture: Picture,
  { strategy }: Capacity,
): Explanation["ifDrained"] {
  const isMoved = vm.status.state !== "absent";
  const abilities = isMoved ? [MIGRATION] : [];
  using placer = new Placer(picture, strategy);
  const decision = placer.place(movingWish(vm, { abilities, allLeave: true }));
  return decision.type === "placed"
    ? { node: decision.node, refusedBy: [] }
    : { node: null, refusedBy: [...decision.refusedBy] };
}

/** The last operation that chose this VM's node, as long as it is kept. */
function placedBy(vm: Vm, { operations }: Records): Explanation["placedBy"] {
  let last: Operation | null = null;
  for (const operation of operations.values()) {
    const { uid, verb, begun, node, to, createdAt } = operation;
    const chose = uid === vm.uid && planSteps(verb).includes("place") &&
      begun.includes("place") && (to ?? node) === vm.node;
    if (chose && (last === null || createdAt > last.createdAt)) {
      last = operation;
    }
  }
  return last && { operation: last.id, verb: last.verb, at: last.createdAt };
}
