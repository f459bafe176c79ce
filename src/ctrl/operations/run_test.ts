/**
 * A run: its steps in order, what it goes on from, and how it is undone.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  domainOf,
  obedient,
  SmallCtrl,
} from "../../../tests/support/small_ctrl.ts";
import { until } from "../../../tests/support/wait.ts";
import { UsherError } from "../../error/mod.ts";
import type { DomainState } from "../../schema/vm.ts";
import { newOperation } from "../../../tests/property/arbitraries.ts";
import { operationWrite } from "./writes.ts";

const never = new Promise<never>(() => {});

async function withWeb(): Promise<SmallCtrl> {
  const ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
  ctrl.acts.length = 0;
  return ctrl;
}

function verbs(ctrl: SmallCtrl): string[] {
  return ctrl.acts.map(({ verb }) => verb);
}

Deno.test("a run asks the node for each step, in order, under an id of its own", async () => {
  await using ctrl = await withWeb();
  const cases: [Parameters<SmallCtrl["submit"]>[0]["verb"], string[]][] = [
    ["pause", ["pause"]],
    ["resume", ["resume"]],
    ["cycle", ["stop", "start"]],
    ["reboot", ["stop", "start"]],
    ["destroy", ["stop", "forget"]],
  ];
  for (const [verb, expected] of cases) {
    ctrl.acts.length = 0;
    const id = await ctrl.submit({ verb, names: ["web"] });
    strictEqual((await ctrl.reached(id, "succeeded", "failed")).problem, null);
    deepStrictEqual(verbs(ctrl), expected, verb);
    for (const act of ctrl.acts) strictEqual(act.id.startsWith(`${id}.`), true);
    strictEqual(new Set(ctrl.acts.map((act) => act.id)).size, expected.length);
  }
});

Deno.test("a step after which the domain is not as it should be fails, with what the node says", async () => {
  await using ctrl = await withWeb();
  ctrl.node = () => "running";
  const id = await ctrl.submit({ verb: "pause", names: ["web"] });
  const { problem } = await ctrl.reached(id, "failed");
  strictEqual(problem?.code, "driver_failed");
  match(problem.detail, /Cannot pause VM "web\.default\.ann": it is running/);
});

Deno.test("what a step came to is kept also when it fails, since nobody tells it again", async () => {
  await using ctrl = await withWeb();
  for (const verb of ["pause", "cycle"] as const) {
    ctrl.node = (act) =>
      act.verb === "pause" || act.verb === "start" ? "crashed" : obedient(act);
    const id = await ctrl.submit({ verb, names: ["web"] });
    await ctrl.reached(id, "failed");
    strictEqual(
      ctrl.records.byName("web.default.ann")?.status.state,
      "crashed",
    );
    ctrl.node = obedient;
    const up = await ctrl.submit({ verb: "start", names: ["web"] });
    await ctrl.reached(up, "succeeded");
  }
});

Deno.test("a start that fails is undone: the VM that it registered is gone, one that was there stays", async () => {
  await using ctrl = await withWeb();
  ctrl.node = (act) => {
    if (act.verb !== "start") return obedient(act);
    throw new UsherError("driver_failed", "No such kernel");
  };
  const made = await ctrl.submit({ verb: "start", names: ["new"] });
  await ctrl.reached(made, "failed");
  strictEqual(ctrl.records.byName("new.default.ann"), undefined);
  strictEqual(verbs(ctrl).includes("forget"), true);
  await ctrl.reached(
    await ctrl.submit({ verb: "poweroff", names: ["web"] }),
    "succeeded",
  );
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "failed",
  );
  strictEqual(ctrl.records.byName("web.default.ann")?.node, "n1");
});

Deno.test("a cancelled start cuts the power of what it began, and says so", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = (act) => act.verb === "start" ? never : obedient(act);
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  await until("the node is asked", () => ctrl.acts.length === 1);
  await ctrl.runner.cancel(id, "asked by ann");
  const { state, trail } = await ctrl.reached(id, "cancelled", "failed");
  strictEqual(state, "cancelled");
  deepStrictEqual(trail.map(({ text }) => text), [
    "asked for start",
    "cancelled: asked by ann",
    "the start was undone",
    "the VM was unregistered again",
  ]);
  deepStrictEqual(verbs(ctrl), ["start", "stop", "forget"]);
});

Deno.test("a cancelled start leaves a run alone that it did not begin, and cuts the power of its own", async () => {
  for (const [whose, ended] of [["another", false], ["its own", true]]) {
    await using ctrl = await withWeb();
    await ctrl.reached(
      await ctrl.submit({ verb: "poweroff", names: ["web"] }),
      "succeeded",
    );
    ctrl.acts.length = 0;
    let state: DomainState = "running";
    let incarnation = "an earlier start";
    ctrl.node = (act) => {
      if (act.verb === "start") {
        if (whose === "its own") incarnation = act.plan?.incarnation ?? "";
        return never;
      }
      if (act.verb === "stop") state = "stopped";
      return {
        domain: { ...domainOf(act, state), incarnation },
        problem: null,
      };
    };
    const id = await ctrl.submit({ verb: "start", names: ["web"] });
    await until("the node is asked", () => verbs(ctrl).includes("start"));
    await ctrl.runner.cancel(id, "asked by ann");
    await ctrl.reached(id, "cancelled", "failed");
    strictEqual(verbs(ctrl).includes("stop"), ended, `${whose}: stop`);
    const vm = ctrl.records.byName("web.default.ann");
    strictEqual(vm?.status.state, ended ? "stopped" : "running", `${whose}`);
  }
});

Deno.test("operationWrite() tells people what happened", () => {
  const operation = newOperation("cycle");
  const noteOf = (more: object, note?: string) => {
    const write = operationWrite({ ...operation, ...more }, note);
    return "note" in write ? write.note : undefined;
  };
  deepStrictEqual([
    noteOf({}),
    noteOf({ state: "running", step: "poweroff" }),
    noteOf({ state: "failed", step: "start" }),
    noteOf({ state: "cancelling" }, "cancelling: asked"),
  ], [
    "cycle pending",
    "cycle poweroff",
    "cycle failed",
    "cycle cancelling: asked",
  ]);
});
