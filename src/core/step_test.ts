/**
 * What verbs consist of, and when each step's goal holds, cell by cell.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type VmState, VmState as States } from "../schema/vm.ts";
import type { Verb } from "../schema/operation.ts";
import {
  holds,
  isDone,
  isPointOfNoReturn,
  nodeOf,
  planSteps,
  type StepName,
} from "./step.ts";

const OWN = "own";
const OTHER = "other";

function look(
  step: StepName,
  state: VmState,
  {
    verb = "start",
    node = "n1",
    incarnation = OTHER,
  }: { verb?: Verb; node?: string | null; incarnation?: string | null } = {},
): boolean {
  return holds(step, {
    operation: { id: OWN, verb },
    vm: { node, state, incarnation },
  });
}

function statesWhere(
  step: StepName,
  more: Parameters<typeof look>[2] = {},
): VmState[] {
  return States.options.filter((state) => look(step, state, more));
}

Deno.test("holds() is so of each step in these states, and in no other", () => {
  const off: VmState[] = ["absent", "stopped", "crashed"];
  deepStrictEqual(statesWhere("start"), ["running"]);
  deepStrictEqual(statesWhere("shutdown"), off);
  deepStrictEqual(statesWhere("poweroff"), off);
  deepStrictEqual(statesWhere("pause"), ["paused"]);
  deepStrictEqual(statesWhere("resume"), ["running"]);
  deepStrictEqual(statesWhere("forget"), ["absent"]);
  deepStrictEqual(statesWhere("unregister"), []);
});

Deno.test("holds() of a place asks for the node alone", () => {
  deepStrictEqual(statesWhere("place"), States.options);
  deepStrictEqual(statesWhere("place", { node: null }), []);
  deepStrictEqual(statesWhere("forget", { node: null }), States.options);
});

Deno.test("holds() tells a new run from an old one by who started it", () => {
  for (const verb of ["cycle", "reboot"] as const) {
    strictEqual(look("start", "running", { verb }), false);
    strictEqual(look("start", "running", { verb, incarnation: OWN }), true);
    // Off, or on again by this very operation: the power was cut already.
    strictEqual(look("poweroff", "running", { verb }), false);
    strictEqual(look("poweroff", "running", { verb, incarnation: OWN }), true);
  }
});

Deno.test("planSteps() are those of each verb", () => {
  const plans: Record<Verb, string> = {
    register: "",
    start: "place start",
    cycle: "poweroff place start",
    reboot: "shutdown start",
    shutdown: "shutdown",
    poweroff: "poweroff",
    pause: "pause",
    resume: "resume",
    unregister: "forget unregister",
    destroy: "poweroff forget unregister",
    migrate: "place offer receive send switch release",
  };
  for (const [verb, steps] of Object.entries(plans)) {
    strictEqual(planSteps(verb as Verb).join(" "), steps, verb);
  }
});

Deno.test("isPointOfNoReturn() is so of what ends a run or a record", () => {
  const steps: StepName[] = [
    "place",
    "start",
    "shutdown",
    "poweroff",
    "pause",
    "resume",
    "forget",
    "unregister",
    "offer",
    "receive",
    "send",
    "switch",
    "release",
  ];
  deepStrictEqual(steps.filter(isPointOfNoReturn), [
    "shutdown",
    "poweroff",
    "forget",
    "unregister",
    "switch",
    "release",
  ]);
});

const MOVE = { id: OWN, verb: "migrate", to: "n2" } as const;

function moving(
  step: StepName,
  state: VmState,
  node = "n1",
  live = true,
): { holds: boolean; done: boolean } {
  const view = {
    operation: { ...MOVE, live },
    vm: { node, state, incarnation: OTHER },
  };
  return { holds: holds(step, view), done: isDone(step, view) };
}

Deno.test("holds() of a migration's steps asks whose the VM is, and whether it goes on there", () => {
  const steps = planSteps("migrate");
  const held = (state: VmState, node: string) =>
    steps.filter((step) => moving(step, state, node).holds).join(" ");
  strictEqual(held("running", "n1"), "place");
  strictEqual(held("migrating", "n1"), "place");
  strictEqual(held("migrating", "n2"), "place offer receive send");
  strictEqual(held("unknown", "n2"), "place offer receive send");
  strictEqual(held("running", "n2"), "place offer receive send switch");
  // Where there is no domain, the record alone moves.
  strictEqual(held("absent", "n1"), "place offer receive send release");
  strictEqual(held("absent", "n2"), "place offer receive send switch release");
  const view = {
    operation: { id: OWN, verb: "migrate", to: null },
    vm: { node: "n1", state: "running", incarnation: null },
  } as const;
  strictEqual(holds("place", view), false);
});

Deno.test("isDone() of a send is so only of what cannot run at the source any more", () => {
  const done = (live: boolean) =>
    States.options.filter((state) => moving("send", state, "n1", live).done);
  deepStrictEqual(done(true), ["migrating"]);
  deepStrictEqual(done(false), ["absent", "stopped", "crashed", "migrating"]);
});

Deno.test("nodeOf() is the end of a migration that takes the step, else the VM's node", () => {
  const operation = { from: "n1", to: "n2" };
  const at = (step: StepName) => nodeOf(step, operation, { node: "n7" });
  deepStrictEqual(
    (["offer", "receive", "send", "switch", "release", "pause"] as const)
      .map(at),
    ["n1", "n2", "n1", "n2", "n1", "n7"],
  );
});
