/**
 * The network between controller and node, broken for real, in namespaces of
 * the kernel: a guest notices nothing, and what was asked meanwhile ends.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { isNamespaceAllowed, runInNamespace } from "../support/namespace.ts";
import type { Broken } from "../support/namespace_links.ts";
import { whyNoQemu } from "../support/qemu_node.ts";

Deno.test({
  name:
    "a node behind a pulled cable or a silent filter is lost, comes back, and its guest is the same",
  ignore: whyNoQemu() !== undefined || !isNamespaceAllowed(),
  async fn() {
    const seen = await runInNamespace<Broken[]>("namespace_links.ts", []);
    const same = { after: "running", isSameGuest: true, guests: 1 };
    const lost = {
      nodeStates: ["ready", "silent", "lost", "ready"],
      meanwhile: "unknown",
      // It had been sent, and nobody could tell what had come of it.
      ends: ["interrupted"],
      ...same,
    };
    deepStrictEqual(seen, [
      { how: "the cable is pulled past the lease", ...lost },
      { how: "a filter drops everything past the lease", ...lost },
      {
        how: "a filter drops what the node says, within the lease",
        nodeStates: ["ready", "silent", "ready"],
        meanwhile: "",
        ends: ["succeeded"],
        ...same,
      },
    ]);
  },
});
