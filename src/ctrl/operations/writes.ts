/**
 * What a run writes: moves with all that goes with them, in one commit.
 *
 * @module
 */
import type { Move } from "../../core/advance.ts";
import { isSwitched, switched } from "../../core/migration.ts";
import { isFinal } from "../../core/operation_machine.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/records.ts";
import type { Plan } from "./durably.ts";
import { lastVm } from "./outcome.ts";
import type { PlacedMove } from "./placed_move.ts";

/** A move with what else is written with it. */
export function planOf(
  move: PlacedMove,
  before: readonly Write[] = [],
): Plan<Move> {
  return {
    writes: [...before, ...move.writes, operationWrite(move.operation)],
    result: move,
  };
}

/**
 * With the switch goes the decision for it: the VM is the target's from here
 * on. It is the last moment at which a cancel counts, so it throws the reason of
 * `signal` when that has aborted.
 */
export function decided(
  plan: Plan<Move>,
  known: Vm,
  signal: AbortSignal,
): Plan<Move> {
  const { operation, step } = plan.result;
  if (step !== "switch" || isSwitched(operation, known)) return plan;
  signal.throwIfAborted();
  const value = switched(lastVm(plan.writes, known), operation);
  const note = `moves to ${operation.to}`;
  const others = plan.writes.filter(({ kind }) => kind !== "vm");
  return {
    ...plan,
    writes: [...others, { kind: "vm", key: known.uid, value, note }],
  };
}

/** The write of an operation, with what happened for people, and its VM where that may have no record. */
export function operationWrite(
  operation: Operation,
  note?: string,
  vm?: Vm,
): Write {
  const text = note ??
    (isFinal(operation.state)
      ? operation.state
      : operation.step ?? operation.state);
  return {
    kind: "operation",
    key: operation.id,
    value: operation,
    note: `${operation.verb} ${text}`,
    ...(vm === undefined ? {} : { vm }),
  };
}
