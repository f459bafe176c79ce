/**
 * Nics that need the node's permission, on a bridge and on a tap device that
 * the test makes in a network of its own.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import type { NamespaceGuest } from "../support/namespace_guest.ts";
import { qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { within } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

const SUPPORT = new URL("../support/", import.meta.url).pathname;
const BOOT_MS = 300_000;

function isNamespaceAllowed(): boolean {
  const { success } = new Deno.Command(`${SUPPORT}in_namespace.sh`, {
    args: ["true"],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success;
}

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
      const child = new Deno.Command(`${SUPPORT}in_namespace.sh`, {
        args: [
          ...[Deno.execPath(), "run", "--allow-all", "--no-check"],
          ...[`${SUPPORT}namespace_guest.ts`, JSON.stringify(nic)],
        ],
        stdout: "piped",
        stderr: "piped",
      });
      const { success, stdout, stderr } = await within(
        "the guest in its namespace",
        BOOT_MS,
        child.output(),
      );
      ok(success, new TextDecoder().decode(stderr));
      const seen: NamespaceGuest = JSON.parse(new TextDecoder().decode(stdout));
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
