/**
 * What holds of every operation, on every VM, whatever its node does.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import * as fc from "fast-check";
import { advance, cancelled } from "../../src/core/advance.ts";
import {
  isFinal,
  type OperationSignal,
  transition,
} from "../../src/core/operation_machine.ts";
import { planSteps } from "../../src/core/step.ts";
import { verdict } from "../../src/core/vm_machine.ts";
import { isUsherError } from "../../src/error/mod.ts";
import {
  type Operation,
  Operation as OperationSchema,
  OperationState,
  Verb,
} from "../../src/schema/operation.ts";
import {
  type Vm,
  type VmState,
  VmState as VmStates,
} from "../../src/schema/vm.ts";
import {
  AT,
  newOperation,
  operationState,
  verb,
  vm as anyVm,
  vmIn,
} from "./arbitraries.ts";
import { type Luck, run } from "./operation_run.ts";

const SIGNALS = [
  "begin",
  "succeed",
  "fail",
  "cancel",
  "unwound",
] as const satisfies OperationSignal[];
const OFF: readonly VmState[] = ["absent", "stopped", "crashed"];

Deno.test("operation machine: every cell is a state, or wrong_state", () => {
  for (const state of OperationState.options) {
    for (const signal of SIGNALS) {
      try {
        ok(OperationState.options.includes(transition(state, signal)));
      } catch (error) {
        ok(
          isUsherError(error, "wrong_state"),
          `${state} on ${signal}: ${error}`,
        );
      }
    }
  }
});

Deno.test("operation machine: three states are ends", () => {
  deepStrictEqual(OperationState.options.filter(isFinal), [
    "succeeded",
    "failed",
    "cancelled",
  ]);
});

Deno.test("operation machine: an operation that ended never changes again", () => {
  fc.assert(
    fc.property(
      operationState,
      fc.array(fc.constantFrom(...SIGNALS)),
      (first, signals) => {
        let state: OperationState = first;
        let end: OperationState | null = isFinal(first) ? first : null;
        for (const signal of signals) {
          state = tried(state, signal);
          if (end !== null) deepStrictEqual(state, end);
          else if (isFinal(state)) end = state;
        }
      },
    ),
  );
});

Deno.test("operation machine: from every state that is not final, an end can be reached", () => {
  for (const state of OperationState.options) {
    ok(
      isFinal(state) ||
        SIGNALS.some((signal) => isFinal(tried(tried(state, signal), "fail"))),
      state,
    );
  }
});

function tried(state: OperationState, signal: OperationSignal): OperationState {
  try {
    return transition(state, signal);
  } catch {
    return state;
  }
}

Deno.test("vm machine: no state is one that no verb can leave, and destroy leaves them all", () => {
  for (const state of VmStates.options) {
    const left = Verb.options.filter((its) =>
      verdict(its, state).type === "go"
    );
    if (state === "unknown") deepStrictEqual(left, []);
    else ok(left.includes("destroy"), `${state}: ${left}`);
  }
});

Deno.test("vm machine: nothing acts on a VM whose node is out of reach", () => {
  for (const its of Verb.options) {
    if (its !== "register") {
      deepStrictEqual(verdict(its, "unknown").type, "away", its);
    }
  }
});

Deno.test("vm machine: a refusal always says what to do instead", () => {
  for (const its of Verb.options) {
    for (const state of VmStates.options) {
      const answer = verdict(its, state);
      if (answer.type === "no") ok(answer.hint.length > 10, `${its} ${state}`);
    }
  }
});

const luck = fc.array(
  fc.constantFrom<Luck>(
    "done",
    "done",
    "done",
    "done, unheard",
    "lost",
    "failed",
  ),
);
const RUNNABLE = Verb.options.filter((its) => its !== "migrate");
const runs = fc.tuple(fc.constantFrom(...RUNNABLE), anyVm, luck);

Deno.test("advance: every operation ends, whatever befalls its steps", () => {
  fc.assert(
    fc.property(runs, ([its, vm, lucks]) => {
      const { operation, vm: left } = run(its, vm, lucks);
      ok(left === undefined || isFinal(operation.state), operation.state);
      OperationSchema.parse(operation);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("advance: steps are the verb's own, in their order, and journaled before they act", () => {
  fc.assert(
    fc.property(runs, ([its, vm, lucks]) => {
      const { moves } = run(its, vm, lucks);
      let at = 0;
      for (const { step, operation } of moves) {
        if (step === null) continue;
        const place = planSteps(its).indexOf(step);
        ok(place >= at, `${its} took ${step} after ${planSteps(its)[at]}`);
        at = place;
        ok(
          operation.begun.includes(step),
          `${step} acts before it is journaled`,
        );
        deepStrictEqual([operation.step, operation.state, operation.changed], [
          step,
          "running",
          true,
        ]);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("advance: a step is never asked again once its outcome is known", () => {
  fc.assert(fc.property(fc.constantFrom(...RUNNABLE), anyVm, (its, vm) => {
    const steps = run(its, vm, []).moves.map(({ step }) => step).filter((
      step,
    ) => step !== null);
    deepStrictEqual(steps, [...new Set(steps)]);
  }));
});

/** What is so once a verb has succeeded. */
const GOALS: Partial<Record<Verb, (vm: Vm, operation: Operation) => boolean>> =
  {
    start: ({ status }) => ["running", "migrating"].includes(status.state),
    shutdown: ({ status }) => OFF.includes(status.state),
    poweroff: ({ status }) => OFF.includes(status.state),
    cycle: ({ status }, { id }) =>
      status.state === "running" && status.incarnation === id,
    reboot: ({ status }, { id }) =>
      status.state === "running" && status.incarnation === id,
    pause: ({ status }) => status.state === "paused",
  };

Deno.test("advance: an operation that succeeded has reached its goal", () => {
  fc.assert(
    fc.property(runs, ([its, vm, lucks]) => {
      const { operation, vm: left } = run(its, vm, lucks);
      if (operation.state !== "succeeded" || left === undefined) return;
      ok(
        GOALS[its]?.(left, operation) ?? true,
        `${its} succeeded on a VM that is ${left.status.state}`,
      );
    }),
    { numRuns: 5000 },
  );
});

Deno.test("advance: what may be wrong about a VM is not believed", () => {
  const states = fc.constantFrom<VmState>(
    "running",
    "paused",
    "stopped",
    "crashed",
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...RUNNABLE),
      states,
      states,
      (its, believed, real) => {
        const known = vmIn(believed, "n1", "01hearlier");
        const world = vmIn(real, "n1", "01hearlier");
        const { operation, vm: left } = run(its, known, [], {
          world,
          uncertain: true,
        });
        if (operation.state !== "succeeded" || left === undefined) return;
        ok(
          GOALS[its]?.(left, operation) ?? true,
          `${its} succeeded on a VM that is ${left.status.state}`,
        );
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("advance: what may be wrong about a VM does not keep a verb from its goal", () => {
  const onOrOff: [Verb, VmState, VmState][] = [
    ["start", "running", "stopped"],
    ["start", "stopped", "running"],
    ["poweroff", "stopped", "running"],
    ["shutdown", "stopped", "running"],
    ["pause", "paused", "running"],
    ["resume", "running", "paused"],
    ["cycle", "running", "stopped"],
  ];
  for (const [its, believed, real] of onOrOff) {
    const { operation, vm: left } = run(its, vmIn(believed, "n1", "01a"), [], {
      world: vmIn(real, "n1", "01a"),
      uncertain: true,
    });
    deepStrictEqual(
      operation.state,
      "succeeded",
      `${its}, believed ${believed}, really ${real}`,
    );
    ok(
      left !== undefined &&
        (GOALS[its]?.(left, operation) ?? left.status.state === "running"),
    );
  }
});

Deno.test("advance: destroy and unregister leave no VM, or say why not", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Verb>("destroy", "unregister"),
      anyVm,
      luck,
      (its, vm, lucks) => {
        const { operation, vm: left } = run(its, vm, lucks);
        deepStrictEqual(left === undefined, operation.problem === null);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("advance: what changed nothing took no step, and a failure always says why", () => {
  fc.assert(
    fc.property(runs, ([its, vm, lucks]) => {
      const { operation, vm: left } = run(its, vm, lucks);
      deepStrictEqual(operation.changed, operation.begun.length > 0);
      if (left === undefined) return;
      deepStrictEqual(
        operation.problem !== null,
        operation.state !== "succeeded",
      );
      deepStrictEqual([operation.endedAt, operation.waitsFor], [AT, null]);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("advance: a VM that is gone fails its operation with not_found, at any time", () => {
  fc.assert(fc.property(verb, fc.boolean(), (its, uncertain) => {
    const { operation, step } = advance(newOperation(its), undefined, {
      at: AT,
      uncertain,
    });
    deepStrictEqual([step, operation.state, operation.problem?.code], [
      null,
      "failed",
      "not_found",
    ]);
  }));
});

Deno.test("cancelled: an operation that has not ended can be cancelled at any move", () => {
  fc.assert(fc.property(runs, ([its, vm, lucks]) => {
    for (const { operation } of run(its, vm, lucks).moves) {
      if (isFinal(operation.state)) continue;
      const { state, problem, endedAt } = cancelled(operation, AT, "asked");
      deepStrictEqual([state, problem?.code, endedAt], [
        "cancelled",
        "cancelled",
        AT,
      ]);
    }
  }));
});
