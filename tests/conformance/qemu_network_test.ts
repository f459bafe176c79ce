/**
 * Nics that need the node's permission, on a bridge and on a tap device that
 * the test makes in a network of its own.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import type { NamespaceGuest } from "../support/namespace_guest.ts";
import { qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { isNamespaceAllowed, runInNamespace } from "../support/namespace.ts";
import { noAbort } from "./driver/harness.ts";

const ignore = whyNoQemu() !== undefined || !isNamespaceAllowed();

for (
  const nic of [
    { kind: "bridge", bridge: "br0" },
    { kind: "tap", tap: "tap7" },
  ]
) {
  Deno.test({
    name:
      `qemu: a guest on a ${nic.kind} that the node allows is reached there, and its traffic is counted`,
    ignore,
    async fn() {
      const seen = await runInNamespace<NamespaceGuest>(
        "namespace_guest.ts",
        [JSON.stringify(nic)],
      );
      deepStrictEqual(seen.page, "usher-guest http\n");
      const { netRxBytes, netTxBytes } = seen.counters ?? {};
      // The request and its answer, each with its headers.
      ok(
        (netRxBytes ?? 0) > 100 && (netTxBytes ?? 0) > 100,
        `${seen.counters}`,
      );
      ok((seen.later?.netTxBytes ?? 0) >= (netTxBytes ?? 0));
    },
  });
}

qemuTest(
  "a nic on a bridge or tap that the node does not allow is refused",
  async (node) => {
    const { spec } = await node.plan();
    for (
      const nic of [{ kind: "bridge", bridge: "br0" }, {
        kind: "tap",
        tap: "tap0",
      }]
    ) {
      const plan = node.planOf({ disks: spec.disks, nics: [nic] });
      await rejects(node.driver.start(plan, noAbort()), {
        code: "invalid_input",
        message: /not allowed on node "n1"/,
      });
    }
  },
);
