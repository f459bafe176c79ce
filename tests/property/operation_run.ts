/**
 * One operation on one VM from its first move to its end, with whatever luck
 * its steps have: the runner of the controller, and a node, in small.
 *
 * @module
 */
import { advance, ended, type Move } from "../../src/core/advance.ts";
import { isSwitched, switched, targeted } from "../../src/core/migration.ts";
import {
  isDone,
  isProvenByAnswer,
  type StepName,
} from "../../src/core/step.ts";
import { occupies } from "../../src/core/vm_machine.ts";
import { UsherError } from "../../src/error/mod.ts";
import type { Operation, Verb } from "../../src/schema/operation.ts";
import type { Vm } from "../../src/schema/vm.ts";
import { AT, newOperation, vmIn } from "./arbitraries.ts";

/** Where a migration goes; VMs are on `n1` before. */
const OTHER_NODE = "n9";

/** What becomes of one step. */
export type Luck =
  /** It is done, and its answer is known. */
  | "done"
  /** It is done, and the controller dies before it can write that. */
  | "done, unheard"
  /** It never reached the node, and nobody can tell. */
  | "lost"
  /** The node says no. */
  | "failed";

/** One run of an operation to its end. */
export interface Run {
  readonly operation: Operation;
  readonly moves: readonly Move[];
  /** The VM as it is; undefined once it is unregistered. */
  readonly vm: Vm | undefined;
}

/** Where a run begins, when that is not as it is believed. */
export interface Beginning {
  readonly world: Vm;
  readonly uncertain: boolean;
}

/** Runs `verb` on a VM that is believed to be `known`; once `lucks` are used up, all goes well. */
export function run(
  verb: Verb,
  known: Vm,
  lucks: readonly Luck[],
  { world, uncertain }: Beginning = { world: known, uncertain: false },
): Run {
  const rest = [...lucks];
  const moves: Move[] = [];
  const see = { vm: known, uncertain };
  let vm: Vm | undefined = world;
  let operation = newOperation(verb);
  let done: StepName | undefined;
  while (moves.length < 100) {
    const move = advance(frozen(operation), frozen(see.vm), {
      at: AT,
      uncertain: see.uncertain,
      done,
    });
    done = undefined;
    moves.push(move);
    operation = move.operation;
    if (move.step === null) return { operation, moves, vm };
    // What the controller writes together with the move.
    if (verb === "migrate" && move.step === "place") {
      operation = targeted(operation, see.vm, OTHER_NODE);
      continue;
    }
    if (move.step === "switch" && !isSwitched(operation, see.vm)) {
      [see.vm, vm] = [switched(see.vm, operation), switched(vm, operation)];
    }
    const luck = rest.shift() ?? "done";
    if (luck === "failed") return { operation: failed(operation), moves, vm };
    if (luck !== "lost") vm = taken(move.step, vm, operation.id);
    if (vm === undefined) return { operation, moves, vm };
    see.uncertain = luck !== "done";
    if (luck !== "done") continue;
    see.vm = vm;
    if (isProvenByAnswer(move.step)) done = move.step;
    if (!isDone(move.step, viewOf(operation, vm))) {
      return { operation: failed(operation), moves, vm };
    }
  }
  const steps = moves.map(({ step }) => step).join(", ");
  throw new Error(
    `${verb} of a VM that is ${known.status.state} never ends: ${steps}`,
  );
}

function failed(operation: Operation): Operation {
  return ended(operation, AT, new UsherError("driver_failed", "No")).operation;
}

function viewOf(operation: Operation, { node, status }: Vm) {
  return {
    operation,
    vm: { node, state: status.state, incarnation: status.incarnation },
  };
}

/** The VM once a node has taken the step, as drivers promise it. */
function taken(step: StepName, vm: Vm, incarnation: string): Vm | undefined {
  const { node, status } = vm;
  const on = occupies(status.state);
  switch (step) {
    case "place":
      return { ...vm, node: "n1" };
    case "start":
      if (!on) return vmIn("running", node, incarnation);
      return vmIn(
        status.state === "paused" ? "paused" : "running",
        node,
        status.incarnation,
      );
    case "shutdown":
    case "poweroff":
      return on ? vmIn("stopped", node, status.incarnation) : vm;
    case "pause":
      return on ? vmIn("paused", node, status.incarnation) : vm;
    case "resume":
      return on ? vmIn("running", node, status.incarnation) : vm;
    case "forget":
      return vmIn("absent", node, null);
    case "unregister":
      return undefined;
    case "offer":
    case "receive":
      return vm;
    case "send":
      return !on ? vm : { ...vm, status: { ...status, state: "migrating" } };
    case "switch":
      return on ? vmIn("running", node, status.incarnation) : vm;
    case "release":
      return vm;
  }
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const its of Object.values(value)) frozen(its);
  }
  return value;
}
