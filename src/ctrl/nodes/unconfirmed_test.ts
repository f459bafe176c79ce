/**
 * VMs that were restored: who has them is told by nodes, and by nothing else.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { restoredVm } from "../../core/restored.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { DomainState, Vm } from "../../schema/vm.ts";
import { Domains } from "./domains.ts";

const RESTORING = {
  madeAt: "2026-01-01T00:00:00.000Z",
  at: "2026-01-02T00:00:00.000Z",
};

/** A VM that lay on n1 in `state` when the backup was made; nodes are silent. */
async function restored(ctrl: SmallCtrl, state: DomainState) {
  const { records } = ctrl;
  await ctrl.reached(
    await ctrl.submit({ verb: "register", names: ["web"] }),
    "succeeded",
  );
  const vm = records.byName("web.default.ann") as Vm;
  const before = { ...vm, node: "n1", status: { ...vm.status, state } };
  const node = records.nodes.latest("n1")!;
  await records.write([
    { kind: "vm", key: vm.uid, value: restoredVm(before, RESTORING) },
    { kind: "node", key: "n1", value: { ...node, state: "silent" } },
    {
      kind: "node",
      key: "n2",
      value: { ...node, name: "n2", state: "silent" },
    },
  ]);
  const domains = new Domains(ctrl.context, records, ctrl.leftovers);
  const domain = (state: DomainState): DomainFrame => ({
    driver: "sim",
    uid: vm.uid,
    domain: vm.uid,
    name: vm.name,
    state,
    reason: "",
    incarnation: null,
    generation: 1,
  });
  return {
    domains,
    domain,
    /** A node tells all it has, and is ready from then on. */
    async tells(name: string, ...has: DomainState[]): Promise<void> {
      await domains.sync(name, has.map(domain));
      const now = records.nodes.latest(name)!;
      const ready = { ...now, state: "ready" as const };
      await records.write([{ kind: "node", key: name, value: ready }]);
    },
    now() {
      const { node, status, unconfirmed } = records.vms.get(vm.uid) as Vm;
      return [node, status.state, unconfirmed];
    },
    reason: () => records.vms.get(vm.uid)?.status.reason ?? "",
  };
}

Deno.test("a restored VM is the node's that runs it, at once, wherever it was", async () => {
  await using ctrl = await SmallCtrl.open();
  const site = await restored(ctrl, "stopped");
  deepStrictEqual(site.now(), ["n1", "unknown", true]);
  await site.tells("n2", "running");
  deepStrictEqual(site.now(), ["n2", "running", undefined]);
  // What its old node still has is no longer the VM.
  await site.tells("n1", "stopped");
  deepStrictEqual(site.now(), ["n2", "running", undefined]);
});

Deno.test("a restored VM that is found turned off waits until every node has told", async () => {
  await using ctrl = await SmallCtrl.open();
  const site = await restored(ctrl, "running");
  await site.tells("n1", "stopped");
  deepStrictEqual(site.now(), ["n1", "unknown", true]);
  await site.tells("n2", "running");
  deepStrictEqual(site.now(), ["n2", "running", undefined]);
});

Deno.test("of two nodes that have a restored VM turned off, the one of its record has it", async () => {
  await using ctrl = await SmallCtrl.open();
  const site = await restored(ctrl, "stopped");
  await site.tells("n2", "stopped");
  await site.tells("n1", "crashed");
  deepStrictEqual(site.now(), ["n1", "crashed", undefined]);
});

Deno.test("a restored VM that no node has is gone if it ran, and as it was if not", async () => {
  for (
    const [before, after] of [["running", "crashed"], ["absent", "absent"]]
  ) {
    await using ctrl = await SmallCtrl.open();
    const site = await restored(ctrl, before as DomainState);
    await site.tells("n1");
    strictEqual(site.now()[1], "unknown");
    await site.tells("n2");
    deepStrictEqual(site.now(), ["n1", after, undefined]);
    if (after === "crashed") match(site.reason(), /no node has it since/);
  }
});

Deno.test("a node that is declared dead need not tell of restored VMs", async () => {
  await using ctrl = await SmallCtrl.open();
  const site = await restored(ctrl, "stopped");
  await site.tells("n1", "stopped");
  const n2 = ctrl.records.nodes.latest("n2")!;
  const dead = { ...n2, state: "dead" as const };
  await ctrl.records.write([{ kind: "node", key: "n2", value: dead }]);
  await site.domains.settleUnconfirmed();
  deepStrictEqual(site.now(), ["n1", "stopped", undefined]);
});

Deno.test("a restored VM that was on its way is settled with the copies that were left", async () => {
  await using ctrl = await SmallCtrl.open();
  const site = await restored(ctrl, "migrating");
  await site.tells("n1", "migrating");
  strictEqual(site.now()[1], "unknown");
  await site.tells("n2", "migrating");
  deepStrictEqual(site.now(), ["n1", "migrating", undefined]);
});
