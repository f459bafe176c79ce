/**
 * How the qemu driver tells why a QEMU ended: whoever ended it, in whatever
 * order the signs of it arrive, and whether an LNM was there or not.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { queryStatus } from "../../src/driver/qemu/monitor.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { qemuTest } from "../support/qemu_node.ts";
import { stopAndKill } from "../support/stop_and_kill.ts";
import { until } from "../support/wait.ts";
import {
  noAbort,
  powerOff,
  startNew,
  untilState,
  Watching,
} from "./driver/harness.ts";

// Two seconds on a quiet machine.
const BOOT_MS = 240_000;

qemuTest("a killed QEMU is a crash that names the signal", async (node) => {
  await using watching = new Watching(node);
  const { uid } = await startNew(node);
  await node.crashGuest(uid);
  match((await watching.until(uid, "crashed")).reason, /SIGKILL/);
});

qemuTest(
  "an end whose signs all come at once is told once, with its reason",
  async (node) => {
    await using watching = new Watching(node);
    const { uid } = await startNew(node);
    await watching.until(uid, "running");

    stopAndKill(node.pidOf(uid), node.layout.files(uid).monitors[1]);

    match((await watching.until(uid, "crashed")).reason, /SIGKILL/);
    const told = watching.reports.filter(({ state }) => state === "crashed");
    strictEqual(told.length, 1, JSON.stringify(told));
    const found = await node.driver.inspect(uid, noAbort());
    ok(found !== null);
    const { spec: _, ...seen } = found;
    deepStrictEqual(seen, told[0]);
  },
);

qemuTest(
  "a start that meets the end of the run before it begins a new one",
  async (node) => {
    const plan = await startNew(node);
    stopAndKill(node.pidOf(plan.uid), node.layout.files(plan.uid).monitors[1]);

    const report = await node.driver.start(
      { ...plan, incarnation: "next" },
      noAbort(),
    );

    deepStrictEqual([report.state, report.incarnation], ["running", "next"]);
    deepStrictEqual(await node.occupants(), [plan.uid]);
  },
);

qemuTest(
  "a QEMU ended by SIGTERM while no LNM was there names who did it",
  async (node) => {
    const { uid } = await startNew(node);
    await node.driver[Symbol.asyncDispose]();
    Deno.kill(node.pidOf(uid), "SIGTERM");
    await node.untilGone();
    await node.reopen();
    match(
      (await untilState(node, uid, "crashed")).reason,
      new RegExp(`signal 15 from process ${Deno.pid}`),
    );
  },
);

qemuTest(
  "a guest that shut down while no LNM was there is stopped and not crashed",
  async (node) => {
    const { uid } = await startNew(node);
    await node.guestUp(uid);
    await node.driver[Symbol.asyncDispose]();
    await node.shutDownGuest(uid);
    await node.untilGone();
    await node.reopen();
    strictEqual(
      (await untilState(node, uid, "stopped")).reason,
      "guest shut down",
    );
  },
);

qemuTest(
  "a guest that panics is told as crashed once, and as panicked, and can be started again",
  async (node) => {
    await using watching = new Watching(node);
    const plan = node.planGuest("usher.panic");
    await node.driver.start(plan, noAbort());

    const report = await until("watch tells of the crash", () => {
      return watching.reports.find(({ state }) => state === "crashed");
    }, { deadlineMs: BOOT_MS });

    strictEqual(report.reason, "guest panicked");
    deepStrictEqual(await node.occupants(), [], "QEMU outlived its guest");
    const again = { ...plan, spec: node.planGuest().spec, incarnation: "next" };
    const next = await node.driver.start(again, noAbort());
    deepStrictEqual([next.state, next.reason], ["running", ""]);
    strictEqual(
      watching.statesOf(plan.uid).filter((state) => state === "crashed").length,
      1,
    );
  },
);

qemuTest(
  "a guest that panicked while no LNM was there is told as panicked by the next one",
  async (node) => {
    const plan = node.planGuest("usher.panic");
    await node.driver.start(plan, noAbort());
    await node.driver[Symbol.asyncDispose]();
    using monitor = new QmpClient();
    await monitor.open(
      () => connectUnix(node.layout.files(plan.uid).monitors[1]),
      AbortSignal.timeout(node.deadlineMs),
    );
    await until("the guest panics, or QEMU ends", async () => {
      return monitor.state !== "running" ||
        await queryStatus(monitor, BOOT_MS) === "guest-panicked";
    }, { deadlineMs: BOOT_MS });
    monitor.close();
    await monitor.ended;

    deepStrictEqual(await node.occupants(), [plan.uid], "QEMU did not wait");
    // Twice: what was found must outlive this LNM, too.
    for (const _ of ["first", "second"]) {
      await node.reopen();
      strictEqual(
        (await untilState(node, plan.uid, "crashed")).reason,
        "guest panicked",
      );
    }
    deepStrictEqual(await node.occupants(), []);
  },
);

qemuTest(
  "a power cut of a frozen QEMU is known as one to the next LNM, too",
  async (node) => {
    const { uid } = await startNew(node);
    await node.freeze(uid);
    await powerOff(node, uid);
    await node.reopen();
    deepStrictEqual(
      (await node.driver.inspect(uid, noAbort())).reason,
      "powered off",
    );
  },
);

qemuTest(
  "a power cut that the LNM does not outlive is known as one to the next",
  async (node) => {
    const { uid } = await startNew(node);
    await node.freeze(uid);
    const cut = node.driver.stop(uid, { graceMs: 0, signal: noAbort() });
    cut.catch(() => {});
    await node.driver[Symbol.asyncDispose]();
    await cut.catch(() => {});
    await node.untilGone();

    await node.reopen();

    const { state, reason } = await node.driver.inspect(uid, noAbort());
    strictEqual(`${state}: ${reason}`, "stopped: powered off");
  },
);

qemuTest(
  "a pid that another process has by now is not taken for the domain, and is left alone",
  async (node) => {
    const { uid } = await startNew(node);
    await node.driver[Symbol.asyncDispose]();
    Deno.kill(node.pidOf(uid), "SIGKILL");
    await node.untilGone();
    await using stranger = new Deno.Command("sleep", { args: ["3600"] })
      .spawn();
    await Deno.writeTextFile(
      node.layout.files(uid).pidFile,
      `${stranger.pid}\n`,
    );

    await node.reopen();

    await untilState(node, uid, "crashed");
    await node.driver.stop(uid, { graceMs: 0, signal: noAbort() });
    await node.driver.forget(uid, noAbort());
    ok(
      (await Deno.readTextFile(`/proc/${stranger.pid}/stat`)).includes(
        "(sleep)",
      ),
    );
    stranger.kill("SIGKILL");
  },
);
