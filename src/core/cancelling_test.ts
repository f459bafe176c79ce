/**
 * Every verb at every step: whether it can be cancelled there.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { newOperation, vmIn } from "../../tests/property/arbitraries.ts";
import { isUsherError } from "../error/mod.ts";
import { OperationState, Verb } from "../schema/operation.ts";
import { cancellable, refuseUncancellable } from "./cancelling.ts";
import { isFinal } from "./operation_machine.ts";
import { planSteps } from "./step.ts";

/** The steps at which each verb can be cancelled, and those at which it cannot. */
const CELLS: Readonly<Record<Verb, readonly [string[], string[]]>> = {
  register: [[], []],
  start: [["place", "start"], []],
  shutdown: [[], ["shutdown"]],
  poweroff: [[], ["poweroff"]],
  cycle: [[], ["poweroff", "place", "start"]],
  reboot: [[], ["shutdown", "start"]],
  pause: [["pause"], []],
  resume: [["resume"], []],
  unregister: [[], ["forget", "unregister"]],
  destroy: [[], ["poweroff", "forget", "unregister"]],
  migrate: [["place", "offer", "receive", "send"], ["switch", "release"]],
};

for (const verb of Verb.options) {
  Deno.test(`cancellable() at each step of ${verb}`, () => {
    const steps = planSteps(verb);
    const vm = vmIn("running", "n1", null);
    const isAt = (step: string) => ({
      ...newOperation(verb),
      state: "running" as const,
      step,
      begun: steps.slice(0, steps.indexOf(step as never) + 1),
      from: "n1",
      to: "n2",
    });
    const able = steps.filter((step) => cancellable(isAt(step), vm).can);
    const unable = steps.filter((step) => !cancellable(isAt(step), vm).can);
    deepStrictEqual([able, unable], CELLS[verb]);
    for (const step of unable) {
      throws(() => refuseUncancellable(isAt(step), vm), (error) => {
        match(String(error), new RegExp(`Cannot cancel ${verb} of VM "web`));
        return isUsherError(error, "wrong_state");
      });
    }
  });
}

Deno.test("cancellable() says no to what has ended, and yes to what has not begun", () => {
  for (const state of OperationState.options) {
    for (const verb of Verb.options) {
      const operation = { ...newOperation(verb), state };
      if (state === "pending") {
        strictEqual(cancellable(operation, undefined).can, true);
      }
      if (isFinal(state)) {
        strictEqual(cancellable(operation, undefined).can, false);
      }
    }
  }
});

Deno.test("cancellable() says no to a migration whose VM has moved, whatever its step says", () => {
  const operation = {
    ...newOperation("migrate"),
    state: "running" as const,
    step: "send",
    begun: ["place", "offer", "receive", "send"],
    from: "n1",
    to: "n2",
  };
  strictEqual(cancellable(operation, vmIn("running", "n1", null)).can, true);
  strictEqual(cancellable(operation, vmIn("migrating", "n2", null)).can, false);
});
