/**
 * What only the qemu driver promises: its processes, its disks, its logs.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
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
