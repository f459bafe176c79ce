/**
 * The runner: lanes are given on whatever happens, and a state that cannot be
 * written loses nothing.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { UsherError } from "../../error/mod.ts";
import { obedient, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { until } from "../../../tests/support/wait.ts";

const never = new Promise<never>(() => {});

Deno.test("runner: a disk that is full while a node acts loses nothing, and the end is written once there is room", async () => {
  await using ctrl = await SmallCtrl.open();
  let answered = 0;
  ctrl.node = () => {
    ctrl.store.fail({ times: 3 });
    answered++;
    return "running";
  };
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const operation = await ctrl.reached(id, "succeeded", "failed");
  deepStrictEqual([operation.state, operation.problem], ["succeeded", null]);
  strictEqual(answered, 1, "the node was asked once");
  strictEqual(ctrl.records.byName("web.default.ann")?.status.state, "running");
  strictEqual(ctrl.runner.holderOf(operation.uid), null, "the lane is free");
});

Deno.test("runner: a failure that cannot be written is written later, and the lane is held until then", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = ({ verb }) => {
    if (verb !== "start") return "absent";
    ctrl.store.fail({ times: 4 });
    throw new UsherError("driver_failed", "No such kernel");
  };
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const { state, problem } = await ctrl.reached(id, "failed", "succeeded");
  deepStrictEqual([state, problem?.detail], ["failed", "No such kernel"]);
  strictEqual(ctrl.records.byName("web.default.ann"), undefined);
});

Deno.test("runner: what passed an answer and could not be written is written with the operation", async () => {
  await using ctrl = await SmallCtrl.open();
  const link = ctrl.links.link("n1");
  const answer = link.answer.bind(link);
  // The node has come back meanwhile, and tells of the domain as well.
  link.answer = (frame) => {
    const isAsked = answer(frame);
    const { domain } = frame;
    if (domain === null || link.unnoted.size > 0) return isAsked;
    link.hear(domain);
    ctrl.store.fail({ times: 2 });
    ctrl.domains.report("n1", [domain]).catch(() => {});
    return isAsked;
  };
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  await ctrl.reached(id, "succeeded");
  strictEqual(ctrl.store.failures, 2);
  strictEqual(ctrl.records.byName("web.default.ann")?.status.state, "running");
});

Deno.test("runner: a start elsewhere that waits leaves the VM where it is being started", async () => {
  await using ctrl = await SmallCtrl.open();
  const answer = Promise.withResolvers<"running">();
  ctrl.node = () => answer.promise;
  const first = await ctrl.submit({ verb: "start", names: ["web"] });
  const other = await ctrl.submit({ verb: "start", names: ["web"], on: "n2" });
  const { uid } = ctrl.records.operations.get(first)!;
  strictEqual(ctrl.records.vms.latest(uid)?.node, "n1");
  answer.resolve("running");
  await ctrl.reached(first, "succeeded");
  const { problem } = await ctrl.reached(other, "failed");
  deepStrictEqual(
    [problem?.code, problem?.detail],
    [
      "wrong_state",
      'Cannot start VM "web.default.ann" on node n2: it lies on node n1',
    ],
  );
});

Deno.test("runner: a VM whose node was lost while it was started may run, and starts nowhere else", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = () => never;
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const { uid } = ctrl.records.operations.get(id)!;
  await ctrl.domains.lost("n1");
  const { state, reason } = ctrl.records.vms.get(uid)!.status;
  deepStrictEqual(
    [state, reason],
    ["unknown", "node n1 is out of reach (it was starting)"],
  );
  await rejects(
    ctrl.submit({ verb: "start", names: ["web"], on: "n2" }),
    { code: "wrong_state" },
  );
});

Deno.test("runner: a start that nobody answered is in doubt for the next controller as well", async () => {
  const before = await SmallCtrl.open();
  before.node = () => {
    throw new UsherError("interrupted", "Its link was cut");
  };
  const id = await before.submit({ verb: "start", names: ["web"] });
  const { uid } = await before.reached(id, "failed");
  strictEqual(before.runner.isUncertain(uid), true);
  await before.runner.stop();

  const { store } = before;
  await using next = await SmallCtrl.open({ store, nodes: ["n2"] });
  next.runner.recover();
  strictEqual(next.runner.isUncertain(uid), true);
  await rejects(
    next.submit({ verb: "start", names: ["web"], on: "n2" }),
    { code: "unavailable" },
  );
  // Its node is back, and has none.
  next.runner.settled(uid);
  const again = await next.submit({ verb: "start", names: ["web"], on: "n2" });
  await next.reached(again, "succeeded");
});

Deno.test("runner: whatever a run breaks by, the next operation gets its turn", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
  ctrl.node = () => {
    throw new TypeError("a bug");
  };
  const broken = await ctrl.submit({ verb: "pause", names: ["web"] });
  const next = await ctrl.submit({ verb: "poweroff", names: ["web"] });
  strictEqual((await ctrl.reached(broken, "failed")).problem?.code, "internal");
  strictEqual((await ctrl.reached(next, "failed")).problem?.code, "internal");
  strictEqual(
    ctrl.runner.holderOf((await ctrl.reached(next, "failed")).uid),
    null,
  );
});

Deno.test("runner: one that waits and whose cancelling cannot be written waits on, in its place", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
  const answer = Promise.withResolvers<"paused">();
  ctrl.node = ({ verb }) => verb === "pause" ? answer.promise : "running";
  const pause = await ctrl.submit({ verb: "pause", names: ["web"] });
  const resume = await ctrl.submit({ verb: "resume", names: ["web"] });
  ctrl.store.fail();
  await rejects(ctrl.runner.cancel(resume, "asked"), /disk is full/);
  answer.resolve("paused");
  await ctrl.reached(pause, "succeeded");
  strictEqual((await ctrl.reached(resume, "succeeded")).state, "succeeded");
});

Deno.test("runner: a power cut takes the lane from a holder whose state cannot be written", async () => {
  await using ctrl = await SmallCtrl.open();
  await ctrl.reached(
    await ctrl.submit({ verb: "start", names: ["web"] }),
    "succeeded",
  );
  ctrl.node = ({ verb }) => verb === "pause" ? never : "stopped";
  const pause = await ctrl.submit({ verb: "pause", names: ["web"] });
  const off = await ctrl.submit({ verb: "poweroff", names: ["web"] });
  ctrl.store.fail({ times: 3 });
  strictEqual((await ctrl.reached(pause, "cancelled")).state, "cancelled");
  strictEqual((await ctrl.reached(off, "succeeded")).state, "succeeded");
});

Deno.test("runner: what an aborted holder hears later changes nothing any more", async () => {
  await using ctrl = await SmallCtrl.open();
  const answer = Promise.withResolvers<"running">();
  ctrl.node = ({ verb }) => verb === "start" ? answer.promise : "absent";
  const start = await ctrl.submit({ verb: "start", names: ["web"] });
  await until("the node is asked", () => ctrl.acts.length > 0);
  const destroy = await ctrl.submit({ verb: "destroy", names: ["web"] });
  await ctrl.reached(start, "cancelled");
  await ctrl.reached(destroy, "succeeded");
  answer.resolve("running");
  await answer.promise;
  strictEqual(ctrl.records.operations.get(start)?.state, "cancelled");
  strictEqual(ctrl.records.byName("web.default.ann"), undefined);
});

Deno.test("runner: a store that another has taken over ends runs without an end", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = () => {
    ctrl.store.fail({
      times: 1000,
      error: new UsherError("stale", "It was taken over"),
    });
    return "running";
  };
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  await until("the lane is free", () => {
    const operation = ctrl.records.operations.get(id);
    return operation !== undefined &&
      ctrl.runner.holderOf(operation.uid) === null;
  });
  strictEqual(ctrl.records.operations.get(id)?.state, "running");
});

Deno.test("runner: a whole queue can be cancelled, in any order, and its VM is free", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = (act) => act.verb === "start" ? never : obedient(act);
  const start = await ctrl.submit({ verb: "start", names: ["web"] });
  const waiting: string[] = [];
  for (const verb of ["pause", "reboot", "cycle", "shutdown"] as const) {
    waiting.push(await ctrl.submit({ verb, names: ["web"] }));
  }
  for (const i of [2, 0, 3, 1]) {
    await ctrl.runner.cancel(waiting[i] ?? "", "asked");
  }
  await ctrl.runner.cancel(start, "asked");
  for (const id of [start, ...waiting]) await ctrl.reached(id, "cancelled");
  ctrl.node = obedient;
  const again = await ctrl.submit({ verb: "start", names: ["web"] });
  strictEqual((await ctrl.reached(again, "succeeded")).begun.length, 3);
});
