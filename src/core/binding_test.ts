/**
 * Which disks bind a VM, and what a dead node holds of it.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DiskSpec, Vm, type VmState } from "../schema/vm.ts";
import { bindingDisk, diskName, freedFromDead } from "./binding.ts";

const UID = "01hzzzzzzzzzzzzzzzzzzzzzz5";
const AT = "2026-01-01T00:00:00.000Z";

function vmOf(state: VmState, disks: unknown[] = []): Vm {
  return Vm.parse({
    v: 1,
    uid: UID,
    name: "web.default.ann",
    generation: 3,
    spec: { disks },
    status: {
      state,
      reason: "",
      incarnation: null,
      since: AT,
      observedGeneration: 3,
    },
    node: "n1",
    args: {},
    createdAt: AT,
    revision: 0,
  });
}

Deno.test("bindingDisk() names the first disk that no other node has", () => {
  const cells: [Record<string, unknown>, boolean][] = [
    [{ path: "/a" }, true],
    [{ path: "/a", shared: true }, false],
    [{ path: "/a", readonly: true }, false],
    [{ base: "/a" }, true],
    [{ base: "/a", shared: true }, true],
    [{ base: "/a", readonly: true }, false],
  ];
  for (const [disk, binds] of cells) {
    const { spec } = vmOf("running", [{ path: "/s", shared: true }, disk]);
    deepStrictEqual(
      bindingDisk(spec),
      binds ? DiskSpec.parse(disk) : null,
      JSON.stringify(disk),
    );
  }
  strictEqual(bindingDisk(vmOf("running").spec), null);
  strictEqual(diskName(DiskSpec.parse({ base: "/b" })), "overlay on /b");
});

Deno.test("freedFromDead() frees what is off, and a start only of what no disk binds", () => {
  const free = vmOf("crashed");
  deepStrictEqual(freedFromDead(free, "start"), {
    ...free,
    node: null,
    generation: 4,
  });
  const gone = freedFromDead(free, "destroy");
  deepStrictEqual([gone.node, gone.status.state], [null, "absent"]);
  const bound = vmOf("crashed", [{ path: "/a" }]);
  strictEqual(freedFromDead(bound, "start"), bound);
  strictEqual(freedFromDead(bound, "unregister").node, null);
  for (const state of ["unknown", "running", "paused"] as const) {
    const vm = vmOf(state);
    strictEqual(freedFromDead(vm, "start"), vm, state);
    strictEqual(freedFromDead(vm, "destroy"), vm, state);
  }
  strictEqual(freedFromDead(free, "shutdown"), free);
});
