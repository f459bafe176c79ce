import { deepStrictEqual } from "node:assert/strict";
import { VmSpec } from "../schema/vm.ts";
import { strangeOption } from "./driver_options.ts";

function strange(driver: string, more: Record<string, unknown>): string {
  return strangeOption(VmSpec.parse({ driver, ...more }))?.field ?? "none";
}

Deno.test("strangeOption() finds what another driver alone knows", () => {
  const pvh = { xen: { type: "pvh" } };
  const q35 = { machine: "q35" };
  deepStrictEqual(
    [
      strange("libvirt", pvh),
      strange("qemu", pvh),
      strange("qemu", { libvirt: { firmware: "uefi" } }),
      strange("xen", { qemu: q35 }),
      strange("libvirt", { qemu: q35 }),
      strange("qemu", { sim: { bootMs: 5 } }),
    ],
    [
      "xen.type",
      "xen.type",
      "libvirt.firmware",
      "qemu.machine",
      "qemu.machine",
      "sim.bootMs",
    ],
  );
});

Deno.test("strangeOption() takes its driver's own, those of both QEMUs, and anything for sim", () => {
  const both = { qemu: { machine: "q35" }, libvirt: { machine: "q35" } };
  for (
    const [driver, more] of [
      ["xen", { xen: { type: "pv" } }],
      ["qemu", both],
      ["libvirt", both],
      ["qemu", {}],
      ["sim", { xen: { type: "pv" }, sim: { bootMs: 5 } }],
      // Another refusal names that one.
      ["libvrit", both],
    ] as const
  ) deepStrictEqual(strange(driver, more), "none", driver);
});
