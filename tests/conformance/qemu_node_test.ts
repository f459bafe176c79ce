/**
 * What only the qemu driver promises: its processes, its disks, its logs.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { qemuTest } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import { noAbort, powerOff, startNew } from "./driver/harness.ts";

qemuTest(
  "accel auto proves KVM by a guest that boots, and remembers the answer",
  async (node) => {
    const first = await node.driver.probe(noAbort());
    ok(first.health === "healthy");
    match(first.attributes["accel"] ?? "", /^(kvm|tcg)$/);
    await node.reopen();
    deepStrictEqual(await node.driver.probe(noAbort()), first);
    const again = await startNew(node);
    await node.guestUp(again.uid);
  },
  { accel: "auto" },
);

qemuTest(
  "a QEMU that is not installed is undetected, and a start says so",
  async (node) => {
    strictEqual((await node.driver.probe(noAbort())).health, "undetected");
    await rejects(node.driver.start(await node.plan(), noAbort()), {
      code: "driver_failed",
      message: /no-such-qemu/,
    });
  },
  { binary: "/nonexistent/no-such-qemu" },
);

qemuTest(
  "a frozen QEMU is running, does not answer, and goes on when it is woken",
  async (node) => {
    const { uid } = await startNew(node);
    const pid = node.pidOf(uid);
    Deno.kill(pid, "SIGSTOP");
    const frozen = await until("it is seen", async () => {
      const report = await node.driver.inspect(uid, noAbort());
      return report.reason === "" ? null : report;
    }, node);
    deepStrictEqual([frozen.state, frozen.reason], [
      "running",
      "QEMU is frozen (SIGSTOP)",
    ]);
    await node.reopen();
    strictEqual((await node.driver.inspect(uid, noAbort())).state, "running");
    Deno.kill(pid, "SIGCONT");
    await until(
      "it answers",
      async () => (await node.driver.inspect(uid, noAbort())).reason === "",
      node,
    );
  },
);

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

qemuTest(
  "names and paths with commas and quotes reach QEMU whole",
  async (node) => {
    const plan = await node.plan();
    const path = `${node.dir}/a,b "c" 'd' $(e),snapshot=on.raw`;
    await Deno.rename(plan.spec.disks[0]!.path!, path);
    const odd = {
      ...plan,
      name: "web,evil=1.lab.ann",
      spec: node.planOf({ disks: [{ path, format: "raw" }] }).spec,
    };
    await node.driver.start(odd, noAbort());
    await node.guestUp(odd.uid);
    await powerOff(node, odd.uid);
  },
);

qemuTest(
  "a start that QEMU refuses tells its exit code and its words",
  async (node) => {
    const { spec } = await node.plan();
    const plan = node.planOf({
      disks: spec.disks,
      qemu: { machine: "no-such-machine" },
    });
    await rejects(node.driver.start(plan, noAbort()), {
      code: "driver_failed",
      message: /exit code 1.*unsupported machine/,
    });
  },
);

qemuTest(
  "a console log is put aside before it grows too large, and the guest prints on",
  async (node) => {
    const { uid } = await startNew(node);
    await node.guestUp(uid);
    const { consoleLog } = node.layout.files(uid);
    await Deno.writeTextFile(consoleLog, "x".repeat(600 * 1024), {
      append: true,
    });
    await until(
      "it was put aside",
      async () => (await Deno.stat(consoleLog)).size < 1024,
      node,
    );
    await using stream = await node.driver.console!.attach(uid, noAbort());
    const writer = stream.writable.getWriter();
    await writer.write(new TextEncoder().encode("after"));
    await node.untilPrinted(uid, "after");
  },
  { console_log: 1 },
);

qemuTest(
  "the second monitor serves when the first is taken by somebody who hangs",
  async (node) => {
    const { uid } = await startNew(node);
    await node.driver[Symbol.asyncDispose]();
    const path = node.layout.files(uid).monitors[0];
    using _taken = await Deno.connect({ transport: "unix", path });
    await node.reopen();
    const report = await until("it answers", async () => {
      const report = await node.driver.inspect(uid, noAbort());
      return report.reason === "" ? report : null;
    }, node);
    strictEqual(report.state, "running");
  },
);
