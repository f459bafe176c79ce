/**
 * Plans tell what would happen, and do nothing of it.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { ADMIN, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import type { Plan, PlannedVm } from "../../schema/plan.ts";
import { VmRequest, type VmRequestInput } from "../../schema/request.ts";

/** All that the store holds. */
async function stored({ store }: SmallCtrl): Promise<string> {
  const entries: unknown[] = [];
  for await (const entry of store.list([])) entries.push(entry);
  return JSON.stringify(entries);
}

/** The plan of a request, which must change nothing anywhere. */
async function planned(
  ctrl: SmallCtrl,
  request: VmRequestInput,
): Promise<Plan> {
  const { records, runner } = ctrl;
  const picture = () => JSON.stringify(records.capacity.picture.snapshot());
  const uids = [...records.vms.values()].map(({ uid }) => uid);
  const holders = () =>
    uids.map((uid) => [runner.holderOf(uid), runner.waiting(uid)]);
  const [before, shown, held] = [await stored(ctrl), picture(), holders()];
  const { revision } = records;
  const acts = ctrl.acts.length;
  const plan = await ctrl.requests.plan(VmRequest.parse(request), ADMIN);
  strictEqual(await stored(ctrl), before);
  strictEqual(picture(), shown);
  deepStrictEqual(holders(), held);
  deepStrictEqual([records.revision, ctrl.acts.length], [revision, acts]);
  return plan;
}

/** `step` to do, `(step)` done, `step!` without a way back. */
function steps({ steps }: PlannedVm): string {
  return steps.map(({ name, node, done, noReturn }) =>
    `${done ? `(${name})` : `${name}${noReturn ? "!" : ""}`}${
      node === null ? "" : `@${node}`
    }`
  ).join(" ");
}

function told({ vms }: Plan): string[] {
  return vms.map((it) =>
    `${it.vm.split(".")[0]}${it.isNew ? " new" : ""} ${it.does} ${it.node}: ${
      steps(it)
    }`
  );
}

Deno.test("a plan tells of each verb what it would do", async () => {
  await using ctrl = await SmallCtrl.open({ nodes: ["n1", "n2"] });
  const plan = async (request: VmRequestInput) =>
    told(await planned(ctrl, request));
  const names = ["web"];
  deepStrictEqual(
    await plan({ verb: "start", names, count: 2 }),
    [
      "web-1 new steps n1: place start@n1",
      "web-2 new steps n2: place start@n2",
    ],
  );
  deepStrictEqual(await plan({ verb: "register", names }), [
    "web new steps null: ",
  ]);
  await ctrl.reached(await ctrl.submit({ verb: "start", names }), "succeeded");
  deepStrictEqual(await plan({ verb: "start", names }), [
    "web nothing n1: ",
  ]);
  const expected: [VmRequestInput["verb"], string][] = [
    ["shutdown", "web steps n1: shutdown!@n1"],
    ["poweroff", "web steps n1: poweroff!@n1"],
    ["cycle", "web steps n1: poweroff!@n1 (place) start@n1"],
    ["reboot", "web steps n1: shutdown!@n1 start@n1"],
    ["pause", "web steps n1: pause@n1"],
    ["resume", "web nothing n1: "],
    ["destroy", "web steps n1: poweroff!@n1 forget!@n1 unregister!"],
    [
      "migrate",
      "web steps n2: place offer@n1 receive@n2 send@n1 switch!@n2 release!@n1",
    ],
    ["unregister", "web refused n1: "],
  ];
  for (const [verb, said] of expected) {
    deepStrictEqual(await plan({ verb, names } as VmRequestInput), [said]);
  }
});

Deno.test("a plan refuses what the request would be refused with, whole or one by one", async () => {
  await using ctrl = await SmallCtrl.open();
  const nobody = VmRequest.parse({ verb: "pause", names: ["nobody"] });
  await rejects(
    ctrl.requests.plan(nobody, ADMIN),
    /There is no VM "nobody"/,
  );
  const { vms } = await planned(ctrl, {
    verb: "start",
    names: ["big"],
    spec: { memoryMiB: "2TiB" },
  });
  deepStrictEqual(vms.map(({ does, problem }) => [does, problem?.code]), [
    ["refused", "insufficient_resources"],
  ]);
});

Deno.test("a plan tells whose turn it would wait for", async () => {
  await using ctrl = await SmallCtrl.open();
  ctrl.node = () => new Promise(() => {});
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const wait = await planned(ctrl, { verb: "pause", names: ["web"] });
  deepStrictEqual(wait.vms.map(({ does, waitsFor }) => [does, waitsFor]), [
    ["waits", { id, verb: "start" }],
  ]);
  const busy = await planned(ctrl, {
    verb: "pause",
    names: ["web"],
    queue: false,
  });
  deepStrictEqual(busy.vms.map(({ does, problem }) => [does, problem?.code]), [
    ["refused", "busy"],
  ]);
});

Deno.test("a plan of many that move places each where those before leave room", async () => {
  await using ctrl = await SmallCtrl.open({ nodes: ["n1", "n2", "n3"] });
  const names = ["web-1", "web-2", "web-3", "web-4"];
  await ctrl.submit({ verb: "start", names, on: "n1" });
  for (const { id } of ctrl.records.operations.values()) {
    await ctrl.reached(id, "succeeded");
  }
  const { vms } = await planned(ctrl, { verb: "migrate", names });
  deepStrictEqual(vms.map(({ from, node }) => [from, node]), [
    ["n1", "n2"],
    ["n1", "n3"],
    ["n1", "n2"],
    ["n1", "n3"],
  ]);
});

Deno.test("what is planned is what then happens", async () => {
  await using ctrl = await SmallCtrl.open({ nodes: ["n1", "n2", "n3"] });
  const request: VmRequestInput = {
    verb: "start",
    names: ["web"],
    count: 5,
    spec: { placement: { apartFrom: ["web-*"] } },
  };
  const { vms } = await planned(ctrl, request);
  const { outcomes } = await ctrl.requests.submit(
    VmRequest.parse(request),
    ADMIN,
  );
  deepStrictEqual(
    outcomes.map(({ vm, node, problem }) => [vm, node, problem]),
    vms.map(({ vm, node, problem }) => [vm, node, problem]),
  );
});
