import { strictEqual } from "node:assert/strict";
import { VmSpec } from "../../schema/vm.ts";
import { losesPages, memoryKiBOf } from "./guest_memory.ts";

Deno.test("an emulated guest gets memory of which QEMU loses no page, and one under KVM what its spec says", () => {
  for (const memoryMiB of [16, 128, 1000, 4096]) {
    const spec = VmSpec.parse({ driver: "qemu", memoryMiB });
    strictEqual(losesPages(memoryKiBOf(spec, "tcg"), "tcg"), false);
    strictEqual(losesPages(memoryMiB * 1024, "tcg"), true);
    strictEqual(memoryKiBOf(spec, "kvm"), memoryMiB * 1024);
    strictEqual(losesPages(memoryKiBOf(spec, "kvm"), "kvm"), false);
  }
});
