/**
 * What a restarted LNM finds of QEMU guests, whatever was lost meanwhile.
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
import { saveHandle } from "../../src/driver/kept_handles.ts";
import { newHandle } from "../../src/driver/qemu/handle.ts";
import { readBootId } from "../../src/sys/process_table.ts";
import { QEMU, qemuTest } from "../support/qemu_node.ts";
import { until, within } from "../support/wait.ts";
import {
  checkListed,
  noAbort,
  powerOff,
  startNew,
  untilState,
  Watching,
} from "./driver/harness.ts";

qemuTest(
  "a domain whose sockets and pid file were removed is found, runs once, and falls to a power cut",
  async (node) => {
    const plan = await startNew(node);
    for await (const { name } of Deno.readDir(node.layout.runDir)) {
      await Deno.remove(`${node.layout.runDir}/${name}`);
    }
    await node.reopen();

    const report = await checkListed(node, plan.uid, "running");

    deepStrictEqual([report.reason, report.incarnation], [
      "monitor does not answer",
      plan.incarnation,
    ]);
    await node.driver.start({ ...plan, incarnation: "next" }, noAbort());
    deepStrictEqual(await node.occupants(), [plan.uid]);
    await powerOff(node, plan.uid);
    deepStrictEqual(await node.occupants(), []);
    strictEqual((await node.driver.start(plan, noAbort())).state, "running");
  },
);

qemuTest(
  "a domain whose handle cannot be read is found as if it were lost",
  async (node) => {
    const plan = await startNew(node);
    await Deno.writeTextFile(node.layout.files(plan.uid).handle, '{"vers');
    for (const _ of ["found", "kept"]) {
      await node.reopen();
      const report = await checkListed(node, plan.uid, "running");
      deepStrictEqual([report.name, report.incarnation], [
        plan.name,
        plan.incarnation,
      ]);
    }
  },
);

qemuTest(
  "a domain is found by its marker whatever its program is called",
  async (node) => {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `command -v ${QEMU}`],
    }).output();
    await Deno.symlink(
      new TextDecoder().decode(stdout).trim(),
      `${node.dir}/my-vmm`,
    );
    await node.reopen({ binary: `${node.dir}/my-vmm` });
    const plan = await startNew(node);
    await node.loseHandle(plan.uid);

    await node.reopen({ binary: `${node.dir}/my-vmm` });

    await checkListed(node, plan.uid, "running");
    await powerOff(node, plan.uid);
  },
);

qemuTest(
  "an LNM that ends does not wait for a start, and the next one finds the guest",
  async (node) => {
    await using watching = new Watching(node);
    const plan = await node.plan("slow");
    const start = node.driver.start(plan, noAbort());
    start.catch(() => {});
    await until(
      "there is a process",
      async () => (await node.occupants()).length === 1,
      node,
    );

    await within(
      "the LNM ends",
      node.deadlineMs,
      Promise.resolve(node.driver[Symbol.asyncDispose]()),
    );

    await rejects(start, { code: "interrupted" });
    ok(!watching.statesOf(plan.uid).includes("absent"), "told as absent");
    await node.reopen();
    await node.guestUp(plan.uid);
    const report = await untilState(node, plan.uid, "running");
    strictEqual(report.incarnation, plan.incarnation);
    deepStrictEqual(await node.occupants(), [plan.uid]);
  },
  { start_timeout: "10m" },
);

qemuTest(
  "an LNM that ends while QEMU hangs at its start leaves it to the next one",
  async (node) => {
    const plan = await node.plan("hanging");
    const start = node.driver.start(plan, noAbort());
    start.catch(() => {});
    await until(
      "QEMU hangs",
      async () => (await node.occupants()).length === 1,
      node,
    );
    await within("the LNM ends", node.deadlineMs, node.reopen());
    await checkListed(node, plan.uid, "running");
    await powerOff(node, plan.uid);
    deepStrictEqual(await node.occupants(), []);
  },
  { start_timeout: "10m" },
);

qemuTest(
  "a start that was cut off before QEMU ran is a crash that says so, and starts again",
  async (node) => {
    const plan = await node.plan();
    await saveHandle(node.layout, newHandle(plan, readBootId()));
    await node.reopen();
    const report = await untilState(node, plan.uid, "crashed");
    match(report.reason, /its start was interrupted before QEMU ran/);
    strictEqual((await node.driver.start(plan, noAbort())).state, "running");
  },
);

qemuTest(
  "a domain of an earlier boot of the machine is a crash that says so",
  async (node) => {
    const plan = await node.plan();
    await saveHandle(node.layout, newHandle(plan, "another boot"));
    await node.reopen();
    const report = await untilState(node, plan.uid, "crashed");
    strictEqual(report.reason, "the node was restarted");
  },
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
    await rejects(node.driver.pausing!.pause(uid, noAbort()), {
      code: "unavailable",
      message: /QEMU is frozen \(SIGSTOP\)/,
    });
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
  "what was seen by asking is told to whoever watches, too",
  async (node) => {
    await using watching = new Watching(node);
    const { uid } = await startNew(node);
    await watching.until(uid, "running");
    const reasons = () => watching.reports.map(({ reason }) => reason);
    Deno.kill(node.pidOf(uid), "SIGSTOP");
    await until("it is seen", async () => {
      return (await node.driver.inspect(uid, noAbort())).reason !== "";
    }, node);
    await until("watch tells it is frozen", () => {
      return reasons().at(-1) === "QEMU is frozen (SIGSTOP)";
    }, node);
    Deno.kill(node.pidOf(uid), "SIGCONT");
    await until("watch tells it goes on", () => reasons().at(-1) === "", node);
  },
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
