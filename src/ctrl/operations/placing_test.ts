/**
 * Choosing another node for a VM.
 *
 * @module
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { obedient, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { UsherError } from "../../error/mod.ts";
import type { Vm } from "../../schema/vm.ts";
import { targetFor, targetsFor } from "./node_choice.ts";

/** Nodes of 1 TiB, and a VM of 600 GiB on each of those named. */
async function siteOf(...on: string[]): Promise<SmallCtrl> {
  const ctrl = await SmallCtrl.open({ nodes: ["n1", "n2", "n3"] });
  for (const [i, node] of on.entries()) {
    const id = await ctrl.submit({
      verb: "start",
      names: [`web-${i}`],
      on: node,
      spec: { memoryMiB: "600GiB" },
    });
    await ctrl.reached(id, "succeeded");
  }
  return ctrl;
}

function vmOf({ records }: SmallCtrl, name: string): Vm {
  const vm = records.byName(`${name}.default.ann`);
  if (vm === undefined) throw new Error(`there is no ${name}`);
  return vm;
}

Deno.test("targetFor() takes another node, counts what the VM takes once, and keeps to what is asked", async () => {
  await using ctrl = await siteOf("n1", "n2");
  const { records } = ctrl;
  const vm = vmOf(ctrl, "web-0");
  strictEqual(targetFor(vm, records), "n3");
  // Where it is, it has room already.
  strictEqual(targetFor(vm, records, { exclude: [], on: "n1" }), "n1");
  throws(() => targetFor(vm, records, { on: "n2" }), /on node n2$/);
  throws(
    () => targetFor(vm, records, { exclude: ["n1", "n3"] }),
    /on any node$/,
  );
  throws(
    () =>
      targetFor(vm, records, { abilities: ["snapshots"], what: "copy it to" }),
    /^UsherError: Cannot copy it to any node$/,
  );
});

Deno.test("targetFor() asks no room for a VM that is off, unless it starts there", async () => {
  await using ctrl = await siteOf("n1", "n2", "n3");
  const { records } = ctrl;
  const vm = vmOf(ctrl, "web-0");
  throws(() => targetFor(vm, records), /on any node$/);
  const status = { ...vm.status, state: "crashed" as const };
  const off = { ...vm, status };
  strictEqual(targetFor(off, records), "n2");
  throws(() => targetFor(off, records, { starts: true }), /on any node$/);
});

Deno.test("targetsFor() lets those that move see each other, and says which cannot", async () => {
  await using ctrl = await siteOf("n1");
  const { records } = ctrl;
  const vm = vmOf(ctrl, "web-0");
  const twins = ["a", "b", "c"].map((name): Vm => ({
    ...vm,
    uid: name,
    name: `${name}.default.ann`,
  }));
  const targets = targetsFor(twins, records);
  deepStrictEqual(
    targets.map((it) => it instanceof UsherError ? it.code : it),
    ["n2", "n3", "insufficient_resources"],
  );
});

Deno.test("targetsFor() sends away one after another those that need each other, when all must leave", async () => {
  await using ctrl = await siteOf();
  const names = ["a", "b"];
  const spec = { placement: { togetherWith: ["a", "b"] } };
  await ctrl.submit({ verb: "start", names, on: "n1", spec });
  const vms = names.map((name) => vmOf(ctrl, name));
  for (const { id } of ctrl.records.operations.values()) {
    await ctrl.reached(id, "succeeded");
  }
  const leave = { exclude: ["n1"], allLeave: true };
  deepStrictEqual(targetsFor(vms, ctrl.records, leave), ["n2", "n2"]);
  const [first] = vms as [Vm];
  throws(() => targetFor(first, ctrl.records), /on any node$/);
});

Deno.test("a start needs its room also while nobody knows for certain how its VM is", async () => {
  await using ctrl = await siteOf("n1");
  const vm = vmOf(ctrl, "web-0");
  ctrl.node = () => {
    throw new UsherError("interrupted", "Nobody knows");
  };
  const unknown = await ctrl.submit({ verb: "pause", names: ["web-0"] });
  await ctrl.reached(unknown, "failed");
  strictEqual(ctrl.runner.isUncertain(vm.uid), true);
  const status = { ...vm.status, state: "stopped" as const };
  await ctrl.records.write([
    { kind: "vm", key: vm.uid, value: { ...vm, status } },
  ]);
  ctrl.node = obedient;
  const spec = { memoryMiB: "600GiB" };
  const other = await ctrl.submit({
    verb: "start",
    names: ["other"],
    on: "n1",
    spec,
  });
  await ctrl.reached(other, "succeeded");
  const id = await ctrl.submit({ verb: "start", names: ["web-0"] });
  const { problem } = await ctrl.reached(id, "failed");
  strictEqual(problem?.code, "insufficient_resources");
});
