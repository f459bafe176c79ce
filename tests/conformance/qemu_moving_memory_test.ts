/**
 * That a guest's memory arrives as it was, byte for byte, also when QEMU has to
 * go through it several times because the guest writes on meanwhile. The targets
 * stand still until they are told to go on; so do the sources by then.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { DomainPlan, Driver } from "../../src/driver/driver.ts";
import { newId } from "../../src/sys/id.ts";
import type { Transfer } from "../../src/schema/frame.ts";
import { differingPages } from "../support/guest_pages.ts";
import { LibvirtNode, sharedMachine } from "../support/libvirt_node.ts";
import { whyNoLibvirt } from "../support/libvirt_machine.ts";
import { GUEST, QemuNode, whyNoQemu } from "../support/qemu_node.ts";
import { Move, pairTest } from "../support/qemu_pair.ts";
import { noAbort } from "./driver/harness.ts";

const MEMORY_MIB = 128;

/** So little at once that QEMU goes through the memory more than twice. */
const SMALL_STEPS = { bandwidth: 50_000_000, maxDowntimeMs: 1 };

/** Starts a guest that stays in one process, which writes the same few pages over and over. */
async function startBusy(
  node: QemuNode | LibvirtNode,
  driver: "qemu" | "libvirt",
): Promise<DomainPlan> {
  const boot = {
    kernel: `${GUEST}/vmlinuz`,
    initrd: `${GUEST}/initrd`,
    cmdline: "console=ttyS0 no_timer_check quiet",
  };
  const plan = node.planOf({ driver, memoryMiB: MEMORY_MIB, boot });
  await node.driver.start(plan, noAbort());
  await node.untilPrinted(plan.uid, "usher-guest ready");
  await node.say(
    plan.uid,
    "echo busy-$((6 * 7)); while :; do i=$((i + 1)); done",
    "busy-42",
  );
  return plan;
}

pairTest(
  "a busy guest's memory is the same at both ends of each move, whatever it wrote on the way",
  async ({ n1, n2 }) => {
    const plan = await startBusy(n1, "qemu");
    const { uid } = plan;
    for (const [from, to] of [[n1, n2], [n2, n1], [n1, n2]] as const) {
      const move = new Move(from, to, plan, SMALL_STEPS);
      await move.prepare();
      await move.send();
      const { ram } = await from.qmp(uid, "query-migrate") as {
        ram: { "dirty-sync-count": number };
      };
      ok(ram["dirty-sync-count"] > 2, "QEMU went through it at once");
      const pids = [from.pidOf(uid), to.pidOf(uid)] as const;
      deepStrictEqual(differingPages(pids, MEMORY_MIB), []);
      strictEqual(await move.activate(), "running");
      await move.releaseSource();
    }
  },
);

Deno.test({
  name:
    "libvirt: a busy guest's memory is the same at both ends of each move, whatever it wrote on the way",
  ignore: (whyNoLibvirt() ?? whyNoQemu()) !== undefined,
  async fn() {
    await using n1 = await LibvirtNode.open(await sharedMachine());
    const n2 = await n1.peer();
    const plan = await startBusy(n1, "libvirt");
    const { uid } = plan;
    for (const [from, to] of [[n1, n2], [n2, n1], [n1, n2]] as const) {
      let transfer: Transfer = {
        id: newId(),
        peer: "peer",
        live: true,
        options: { autoConverge: true, postCopy: false, ...SMALL_STEPS },
        offer: null,
        ticket: null,
      };
      const acts = ({ driver }: { driver: Driver }) => driver.migration!;
      const offer = await acts(from).offer(uid, transfer, noAbort());
      transfer = { ...transfer, offer };
      const ticket = await acts(to).receive(plan, transfer, noAbort());
      transfer = { ...transfer, ticket };
      await acts(from).send(uid, transfer, () => {}, noAbort());
      const pids = [from.pidOf(uid), to.pidOf(uid)] as const;
      deepStrictEqual(differingPages(pids, MEMORY_MIB), []);
      const { state } = await acts(to).activate(uid, transfer, noAbort());
      strictEqual(state, "running");
      await acts(from).release(uid, transfer, noAbort());
    }
  },
});
