/**
 * What an operation does next: the whole of its life as one pure function.
 *
 * Given the operation and what is known of its VM, `advance` answers with the
 * operation as it should be written, and either the step to take or nothing
 * more to do. It is asked when the operation begins, after each step, and
 * after a crash, and always answers from what is, not from what was planned.
 *
 * @module
 */
import { toProblem, UsherError } from "../error/mod.ts";
import type { Operation } from "../schema/operation.ts";
import type { RefusedBy } from "../schema/placement.ts";
import type { Problem } from "../schema/problem.ts";
import type { Vm } from "../schema/vm.ts";
import { transition } from "./operation_machine.ts";
import { holds, planSteps, type StepName } from "./step.ts";
import { verdict } from "./vm_machine.ts";

/** The operation to write, and the step to take once it is durable. */
export interface Move {
  readonly operation: Operation;
  /** Null when the operation has ended. */
  readonly step: StepName | null;
}

/** What a decision needs besides records: core has no clock of its own. */
export interface AdvanceOptions {
  /** Now, ISO 8601. */
  readonly at: string;
  /**
   * What is known of the VM may be wrong, since an earlier act ended without
   * an answer: then no step is skipped, and the verb's goal is not believed.
   */
  readonly uncertain: boolean;
  /** The step that was just taken, where its node's answer is all that proves it. */
  readonly done?: StepName | undefined;
}

/** The next move of `operation` on `vm` (undefined when it is gone). */
export function advance(
  operation: Operation,
  vm: Vm | undefined,
  { at, uncertain: unsure, done }: AdvanceOptions,
): Move {
  if (vm === undefined) return ended(operation, at, goneProblem(operation));
  // Where no node has it, there is nothing that could be otherwise.
  const uncertain = unsure && vm.node !== null;
  if (operation.state === "pending") {
    const refusal = begin(operation, vm, at, uncertain);
    if (refusal !== null) return refusal;
  }
  const running = operation.state === "pending"
    ? {
      ...operation,
      state: transition(operation.state, "begin"),
      startedAt: at,
      node: vm.node,
    }
    : { ...operation, node: vm.node ?? operation.node };
  const view = {
    operation: running,
    vm: {
      node: vm.node,
      state: vm.status.state,
      incarnation: vm.status.incarnation,
    },
  };
  const steps = planSteps(running.verb);
  const after = done === undefined
    ? steps.indexOf(running.step as StepName)
    : steps.indexOf(done) + 1;
  const rest = steps.slice(Math.max(0, after));
  const step = rest.find((name) =>
    (uncertain && name !== "place") || !holds(name, view)
  );
  if (step === undefined) return succeeded(running, at);
  const begun = running.begun.includes(step)
    ? running.begun
    : [...running.begun, step];
  return { operation: { ...running, step, begun, changed: true }, step };
}

/** Checks the verb against the VM's state; null when it may go on. */
function begin(
  operation: Operation,
  vm: Vm,
  at: string,
  uncertain: boolean,
): Move | null {
  const { verb } = operation;
  const state = vm.status.state;
  if (verb === "migrate" && isThere(operation, vm)) {
    return succeeded({ ...operation, startedAt: at }, at);
  }
  const answer = verdict(verb, state);
  switch (answer.type) {
    case "go":
      return null;
    case "done":
      return uncertain && planSteps(verb).length > 0
        ? null
        : succeeded({ ...operation, startedAt: at }, at);
    case "no":
      return ended(
        operation,
        at,
        new UsherError(
          "wrong_state",
          `Cannot ${verb} VM "${vm.name}": it is ${state}`,
          {
            hint: answer.hint,
            subject: vm.name,
          },
        ),
      );
    case "away":
      return ended(operation, at, outOfReach(verb, vm));
  }
}

/** Whether a migration's VM is where it should go, or nowhere and goes nowhere. */
function isThere({ options }: Operation, { node }: Vm): boolean {
  return node === (options.to ?? null) ||
    (node === null && options.to === undefined);
}

/** Why nothing can be done to a VM of which nobody knows how it is. */
function outOfReach(verb: string, vm: Vm): UsherError {
  if (vm.unconfirmed === true) {
    return new UsherError(
      "unavailable",
      `Cannot ${verb} VM "${vm.name}": it was restored from a backup, and not every node has told what it has`,
      {
        hint:
          'look at "usher node list"; start the nodes that are missing, or say that they run nothing ("usher node declare-dead")',
        subject: vm.name,
      },
    );
  }
  return new UsherError(
    "unavailable",
    `Cannot ${verb} VM "${vm.name}": its node ${vm.node} is out of reach`,
    {
      hint: `look at "usher node list"; it can go on once ${vm.node} is back`,
      subject: vm.name,
    },
  );
}

function succeeded(operation: Operation, at: string): Move {
  const begun = operation.state === "pending"
    ? { ...operation, state: transition("pending", "begin") }
    : operation;
  return {
    operation: {
      ...begun,
      state: transition(begun.state, "succeed"),
      step: null,
      waitsFor: null,
      endedAt: at,
    },
    step: null,
  };
}

/** The operation, ended as failed by `error`. */
export function ended(operation: Operation, at: string, error: unknown): Move {
  return {
    operation: {
      ...operation,
      state: transition(operation.state, "fail"),
      waitsFor: null,
      endedAt: at,
      problem: clipped(toProblem(error)),
    },
    step: null,
  };
}

/** The longest text of a problem that is kept; a node may say any amount. */
const MAX_TEXT = 2000;
const MAX_REFUSALS = 32;
const MAX_REASON = 300;

function clipped({ refusals, refusedBy, ...texts }: Problem): Problem {
  const short = Object.entries(texts).map(([key, value]) => [
    key,
    typeof value === "string" ? clip(value, MAX_TEXT) : value,
  ]);
  const some = Object.entries(refusals ?? {}).slice(0, MAX_REFUSALS)
    .map(([node, why]) => [clip(node, 63), clip(why, MAX_REASON)]);
  return {
    ...Object.fromEntries(short) as Problem,
    ...(refusals === undefined ? {} : { refusals: Object.fromEntries(some) }),
    ...(refusedBy === undefined ? {} : { refusedBy: refusedBy.map(clipGroup) }),
  };
}

/** What a node says of its drivers is in it. */
function clipGroup({ nearest, ...group }: RefusedBy): RefusedBy {
  const short = nearest.slice(0, MAX_REFUSALS).map((it) => ({
    ...it,
    why: clip(it.why, MAX_REASON),
    change: clip(it.change, MAX_REASON),
  }));
  return { ...group, nearest: short };
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** The operation, ended as cancelled. */
export function cancelled(
  operation: Operation,
  at: string,
  why: string,
): Operation {
  const cancelling = transition(operation.state, "cancel");
  return {
    ...operation,
    state: cancelling === "cancelled"
      ? cancelling
      : transition(cancelling, "unwound"),
    waitsFor: null,
    endedAt: at,
    problem: toProblem(
      new UsherError(
        "cancelled",
        `${operation.verb} of "${operation.vm}" was cancelled: ${why}`,
      ),
    ),
    trail: [...operation.trail, {
      at,
      source: "controller",
      text: `cancelled: ${why}`,
    }],
  };
}

function goneProblem(operation: Operation): UsherError {
  return new UsherError(
    "not_found",
    `VM "${operation.vm}" is no longer registered`,
    { subject: operation.vm },
  );
}
