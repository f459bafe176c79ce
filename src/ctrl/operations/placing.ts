/**
 * Placing within an operation: a VM that waited gets its node, and one that
 * has a node must still fit there before it is turned on again.
 *
 * @module
 */
import { advance, ended, type Move } from "../../core/advance.ts";
import { wishOf } from "../../core/placement/wish.ts";
import { occupies } from "../../core/vm_machine.ts";
import type { Vm } from "../../schema/vm.ts";
import { notWhole } from "../nodes/partial_vms.ts";
import { boundToDead } from "./bound.ts";
import { awaited, decide, notPlaced, startInPlace } from "./node_choice.ts";
import type { PlacedMove, Placing } from "./placed_move.ts";
import { chooseTarget } from "./target.ts";

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
  const over = overQuota(move, vm, placing);
  if (over !== null) return over;
  const { on } = move.operation.options;
  const decision = decide(placing.records.capacity, wishOf(vm, { on }));
  if (decision.type === "refused") {
    const error = notPlaced(vm, decision);
    return { ...ended(move.operation, placing.at, error), writes: [] };
  }
  const placed = { ...vm, node: decision.node };
  const next = advance(move.operation, placed, {
    at: placing.at,
    uncertain: false,
  });
  const note = `placed on ${decision.node}`;
  return {
    ...next,
    writes: [{ kind: "vm", key: vm.uid, value: placed, note }],
  };
}

/** The end of a move that would take more than the VM's owner or cluster may have. */
function overQuota(
  { operation }: Move,
  vm: Vm,
  { records, at }: Placing,
): PlacedMove | null {
  const error = records.capacity.quotas.open().take(vm, {
    isNew: false,
    turnsOn: !occupies(vm.status.state),
    verb: operation.verb,
  });
  return error === null ? null : { ...ended(operation, at, error), writes: [] };
}

/** One that holds its room already, being on or in the midst of a cycle, keeps it. */
function checkRoom(move: Move, vm: Vm, { records, at }: Placing): PlacedMove {
  const bound = notWhole(vm) ?? boundToDead(vm, records);
  if (bound !== null) {
    return { ...ended(move.operation, at, bound), writes: [] };
  }
  const over = overQuota(move, vm, { records, at });
  if (over !== null) return over;
  const isOff = !occupies(vm.status.state);
  const { picture } = records.capacity;
  const isHeld = picture.resident(vm.uid)?.on === true;
  if (!isOff || isHeld || vm.node === null) return { ...move, writes: [] };
  if (picture.place(vm.node) === undefined) return { ...move, writes: [] };
  const wish = startInPlace(vm, move.operation.verb, vm.node);
  // Its turn came while the node was away: the step waits for that.
  const decision = decide(records.capacity, awaited(wish));
  if (decision.type === "placed") return { ...move, writes: [] };
  const error = notPlaced(vm, decision);
  return { ...ended(move.operation, at, error), writes: [] };
}
