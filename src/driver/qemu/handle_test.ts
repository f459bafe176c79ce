/**
 * Handles of this version and of the one before.
 *
 * @module
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { VmSpec } from "../../schema/vm.ts";
import { readHandle } from "../kept_handles.ts";
import { newHandle, readKept } from "./handle.ts";

const PLAN = {
  uid: "01k0000000000000000000000a",
  name: "web.lab.ann",
  generation: 3,
  incarnation: "run-1",
  spec: VmSpec.parse({
    driver: "qemu",
    disks: [{ base: "/srv/b.qcow2" }, { path: "/srv/p.raw", format: "raw" }],
  }),
};

Deno.test("a handle that was kept is read as it was", () => {
  const handle = newHandle(PLAN, "boot-1");
  deepStrictEqual(readHandle(JSON.stringify(handle), readKept), handle);
  deepStrictEqual(handle.disks, ["/srv/b.qcow2", "/srv/p.raw"]);
});

Deno.test("a handle of version 1 knows no spec, and its domain is not on the move", () => {
  const { version: _v, spec: _s, move: _m, onNodeLoss: _o, ...old } = newHandle(
    PLAN,
    "boot-1",
  );
  const handle = readHandle(JSON.stringify({ ...old, version: 1 }), readKept);
  strictEqual(handle.version, 2);
  strictEqual(handle.spec, null);
  strictEqual(handle.move, null);
  strictEqual(handle.onNodeLoss, "wait");
});

Deno.test("a handle of a later version is refused", () => {
  const later = { ...newHandle(PLAN, "boot-1"), version: 3 };
  throws(() => readHandle(JSON.stringify(later), readKept), {
    code: "internal",
  });
});
