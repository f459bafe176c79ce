import { throws } from "node:assert/strict";
import { VmSpec } from "../schema/vm.ts";
import { checkSpec } from "./spec_check.ts";

const NOTHING = { bridges: [], taps: [] };

function wish(spec: Record<string, unknown>) {
  return { name: "web.lab.ann", node: "n1", spec: VmSpec.parse(spec) };
}

Deno.test({
  name:
    "checkSpec() leaves it to a daemon what that may open, and to nobody else",
  // A file that this process may not open, whoever runs it.
  permissions: { read: false },
  fn() {
    const its = wish({ disks: [{ path: "/srv/web.raw", format: "raw" }] });
    checkSpec(its, NOTHING, "daemon");
    throws(() => checkSpec(its, NOTHING), {
      code: "invalid_input",
      message: /\/srv\/web\.raw is not readable on node "n1"/,
    });
    // usher makes the overlay itself.
    const over = wish({ disks: [{ base: "/srv/web.raw", format: "raw" }] });
    throws(() => checkSpec(over, NOTHING, "daemon"), { code: "invalid_input" });
  },
});

Deno.test("checkSpec() refuses what is not there, whoever opens it", () => {
  for (const path of ["/nowhere/web.raw", "/tmp"]) {
    const its = wish({ disks: [{ path, format: "raw" }] });
    throws(() => checkSpec(its, NOTHING, "daemon"), { code: "invalid_input" });
  }
});
