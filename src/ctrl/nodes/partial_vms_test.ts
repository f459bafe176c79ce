/**
 * VMs that a node told of and no record knew: what they are made of is asked
 * for, and nothing begins with them before.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { until } from "../../../tests/support/wait.ts";
import { UsherError } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import { VmSpec } from "../../schema/vm.ts";
import { Domains } from "./domains.ts";
import { PartialVms } from "./partial_vms.ts";

const UID = "01j00000000000000000000000";

const FRAME: DomainFrame = {
  driver: "sim",
  uid: UID,
  domain: `sim-${UID}`,
  name: "web.default.ann",
  state: "running",
  reason: "",
  incarnation: null,
  generation: 4,
};

const SPEC = VmSpec.parse({
  driver: "sim",
  disks: [{ path: "/srv/web.raw", format: "raw" }],
});

/** A controller to which a node has told of a VM. */
async function told() {
  const ctrl = await SmallCtrl.open();
  await ctrl.domains.report("n1", [FRAME]);
  const vm = () => ctrl.records.vms.get(UID)!;
  strictEqual(vm().partial, true);
  return { ctrl, vm, partial: new PartialVms(ctrl) };
}

Deno.test("a VM that a node tells of is what the node says that it was started with", async () => {
  const { ctrl, vm, partial } = await told();
  await using _ = ctrl;
  ctrl.node = () => ({ domain: { ...FRAME, spec: SPEC }, problem: null });
  partial.look();
  await until("it is whole", () => vm().partial === undefined);
  deepStrictEqual([vm().spec, vm().generation], [SPEC, 4]);
  partial.look();
  strictEqual(ctrl.domains.partial.size, 0);
  deepStrictEqual(ctrl.acts.map(({ verb }) => verb), ["inspect"]);
});

Deno.test("nothing begins with a VM before its node has told what it is made of", async () => {
  const { ctrl, vm } = await told();
  await using _ = ctrl;
  for (const verb of ["start", "cycle", "reboot", "migrate"] as const) {
    const id = await ctrl.submit({ verb, names: ["web"] });
    const { problem } = await ctrl.reached(id, "failed");
    strictEqual(problem?.code, "unavailable", verb);
    match(problem.detail, /"web.default.ann".* what it is made of/);
  }
  await ctrl.reached(
    await ctrl.submit({ verb: "pause", names: ["web"] }),
    "succeeded",
  );
  strictEqual(vm().partial, true);
});

Deno.test("a node that fails to tell is asked again, by the next controller too", async () => {
  const { ctrl, vm, partial } = await told();
  await using _ = ctrl;
  const problem = new UsherError("unavailable", "The driver is mute");
  ctrl.node = () => {
    throw problem;
  };
  partial.look();
  await until("it was asked", () => ctrl.acts.length === 1);
  strictEqual(vm().partial, true);
  const { context, records, leftovers } = ctrl;
  const later = new Domains(context, records, leftovers);
  ctrl.node = () => ({ domain: { ...FRAME, spec: SPEC }, problem: null });
  const next = new PartialVms({ ...ctrl, context, records, domains: later });
  next.look();
  await until("it is whole", () => vm().partial === undefined);
  deepStrictEqual(vm().spec, SPEC);
});

Deno.test("a VM whose node has lost what it was started with stays what was seen of it", async () => {
  const { ctrl, vm, partial } = await told();
  await using _ = ctrl;
  const { spec } = vm();
  ctrl.node = () => ({ domain: FRAME, problem: null });
  partial.look();
  await until("it was told", () => vm().partial === undefined);
  deepStrictEqual(vm().spec, spec);
});
