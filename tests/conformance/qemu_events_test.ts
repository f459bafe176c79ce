/**
 * What QEMU tells by itself, as reports: what others do to it through its
 * monitor, what its guest does, and what its disks do.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { FullDisk } from "../support/namespace_full_disk.ts";
import { isNamespaceAllowed, runInNamespace } from "../support/namespace.ts";
import { qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import { noAbort, startNew, Watching } from "./driver/harness.ts";

// Two seconds on a quiet machine.
const BOOT_MS = 240_000;

qemuTest(
  "what somebody else does through QEMU's monitor is told as if usher had done it",
  async (node) => {
    await using watching = new Watching(node);
    const { uid, incarnation } = await startNew(node);
    await watching.until(uid, "running");

    await node.command(uid, "stop");
    await watching.until(uid, "paused");
    await node.command(uid, "cont");
    await watching.until(uid, "running");
    await node.command(uid, "system_reset");
    await node.command(uid, "quit");

    const report = await watching.until(uid, "stopped");
    deepStrictEqual([report.reason, report.incarnation], [
      "powered off",
      incarnation,
    ]);
    ok(!watching.statesOf(uid).includes("crashed"));
  },
);

qemuTest(
  "a guest that restarts itself goes on in the same run, and that is told",
  async (node) => {
    await using watching = new Watching(node);
    const plan = node.planGuest();
    const { uid } = plan;
    await node.driver.start(plan, noAbort());
    await node.untilPrinted(uid, "usher-guest ready", BOOT_MS);

    await node.say(uid, "reboot -f", "reboot: Restarting system");

    const report = await until("watch tells of it", () => {
      return watching.reports.find(({ reason }) =>
        reason === "guest restarted itself"
      );
    }, node);
    deepStrictEqual([report.state, report.incarnation], [
      "running",
      plan.incarnation,
    ]);
    await until("the guest is up again", async () => {
      const printed = await node.printed(uid);
      return printed.split("usher-guest ready").length === 3;
    }, { deadlineMs: BOOT_MS });
  },
);

Deno.test({
  name:
    "qemu: a guest whose disk has no room left is paused with the reason, and goes on when there is room and it is resumed",
  ignore: whyNoQemu() !== undefined || !isNamespaceAllowed(),
  async fn() {
    const seen = await runInNamespace<FullDisk>("namespace_full_disk.ts", []);
    deepStrictEqual(seen.full, {
      state: "paused",
      reason: "disk error: No space left on device",
    });
    deepStrictEqual(seen.resumed, { state: "running", reason: "" });
    strictEqual(seen.written, true);
  },
});
