/**
 * The promises about time and death: what a restarted LNM finds, and what is
 * reported without being asked for.
 *
 * @module
 */
import { deepStrictEqual, notDeepStrictEqual, ok } from "node:assert/strict";
import type { DomainReport } from "../../../src/driver/driver.ts";
import {
  checkListed,
  type ConformanceTest,
  listed,
  noAbort,
  powerOff,
  startAndStop,
  startNew,
  untilState,
  Watching,
} from "./harness.ts";

/** Promises 3 and 11. */
const restarts: readonly ConformanceTest[] = [
  {
    promises: [3, 10, 11],
    name: "a restarted LNM finds every domain as it was",
    async run(node) {
      const running = await startNew(node);
      const stopped = await startAndStop(node);
      const before = sorted(await node.driver.list(noAbort()));

      await node.reopen();

      deepStrictEqual(sorted(await node.driver.list(noAbort())), before);
      await checkListed(node, running.uid, "running");
      await checkListed(node, stopped.uid, "stopped");
      deepStrictEqual(await node.occupants(), [running.uid]);
    },
  },
  {
    promises: [10, 3],
    name:
      "what a domain was started with is told when it is inspected, by a later LNM too",
    async run(node) {
      const plan = await startNew(node);
      const told = async () =>
        (await node.driver.inspect(plan.uid, noAbort())).spec;
      deepStrictEqual(await told(), plan.spec);
      await node.reopen();
      deepStrictEqual(await told(), plan.spec);
      deepStrictEqual(
        (await listed(node, plan.uid)).map(({ spec }) => spec),
        [undefined],
      );
      await powerOff(node, plan.uid);
      await node.reopen();
      deepStrictEqual(await told(), plan.spec);
    },
  },
  {
    promises: [3, 1, 6],
    name: "every verb works on a domain that an earlier LNM started",
    async run(node) {
      const plan = await startNew(node);
      const { uid } = plan;
      await node.guestUp(uid);
      await node.reopen();

      const again = await node.driver.start(
        { ...plan, incarnation: "another" },
        noAbort(),
      );
      deepStrictEqual(again.incarnation, plan.incarnation);
      deepStrictEqual(await node.occupants(), [uid]);
      const report = await node.driver.stop(uid, {
        graceMs: node.deadlineMs,
        signal: noAbort(),
      });
      deepStrictEqual(report.state, "stopped");
      await node.reopen();
      await node.driver.start(plan, noAbort());
      await node.reopen();
      await powerOff(node, uid);
      await node.reopen();
      await node.driver.forget(uid, noAbort());
      deepStrictEqual(await node.leftovers(uid), []);
    },
  },
  {
    promises: [3, 6],
    name:
      "a domain whose handle was lost is found, is not started twice, and can be stopped",
    needs: ["loseHandle"],
    async run(node) {
      const plan = await startNew(node);
      await node.loseHandle(plan.uid);
      await node.reopen();

      const { name } = await checkListed(node, plan.uid, "running");

      deepStrictEqual(name, plan.name);
      const told = await node.driver.inspect(plan.uid, noAbort());
      deepStrictEqual([told.state, told.spec], ["running", undefined]);
      await node.driver.start(plan, noAbort());
      deepStrictEqual(await node.occupants(), [plan.uid]);
      await powerOff(node, plan.uid);
      deepStrictEqual(await node.occupants(), []);
    },
  },
  {
    promises: [2, 3],
    name: "a domain that died while no LNM was there is not listed as running",
    needs: ["crashGuest"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.driver[Symbol.asyncDispose]();
      await node.crashGuest(uid);

      await node.reopen();

      await untilState(node, uid, "crashed", "stopped");
      deepStrictEqual((await listed(node, uid)).length, 1);
    },
  },
  {
    promises: [11, 3],
    name: "a domain survives the killing of the LNM that started it",
    needs: ["dyingLnm"],
    async run(node) {
      const plan = await node.plan();
      await node.startInDyingLnm(plan);

      await node.reopen();

      const report = await checkListed(node, plan.uid, "running");
      deepStrictEqual(report.incarnation, plan.incarnation);
      deepStrictEqual(await node.occupants(), [plan.uid]);
    },
  },
  {
    promises: [3, 7],
    name:
      "a domain that died after the LNM that started it is still known, and as crashed",
    needs: ["dyingLnm", "crashGuest"],
    async run(node) {
      const plan = await node.plan();
      await node.startInDyingLnm(plan);
      await node.crashGuest(plan.uid);

      await node.reopen();

      const report = await untilState(node, plan.uid, "crashed");
      deepStrictEqual([report.name, report.incarnation], [
        plan.name,
        plan.incarnation,
      ]);
      await checkListed(node, plan.uid, "crashed");
    },
  },
];

/** Promise 7. */
const endings: readonly ConformanceTest[] = [
  {
    promises: [7, 10],
    name:
      "a guest that shuts itself down is reported as stopped, with a reason",
    needs: ["shutDownGuest"],
    async run(node) {
      await using watching = new Watching(node);
      const plan = await startNew(node);
      await node.guestUp(plan.uid);

      await node.shutDownGuest(plan.uid);

      const report = await watching.until(plan.uid, "stopped");
      notDeepStrictEqual(report.reason, "");
      deepStrictEqual(report.incarnation, plan.incarnation);
      ok(
        !watching.statesOf(plan.uid).includes("crashed"),
        "told of a crash on the way",
      );
      await checkListed(node, plan.uid, "stopped");
    },
  },
  {
    promises: [7, 10, 3],
    name:
      "a domain that dies by itself is reported as crashed, with the evidence, now and after a restart",
    needs: ["crashGuest"],
    async run(node) {
      await using watching = new Watching(node);
      const plan = await startNew(node);

      await node.crashGuest(plan.uid);

      const report = await watching.until(plan.uid, "crashed");
      notDeepStrictEqual(report.reason, "");
      deepStrictEqual(report.incarnation, plan.incarnation);
      await checkListed(node, plan.uid, "crashed");
      await node.reopen();
      deepStrictEqual(
        await node.driver.inspect(plan.uid, noAbort()),
        { ...report, spec: plan.spec },
        "the evidence was not kept",
      );
    },
  },
  {
    promises: [7, 3],
    name: "the end of a domain that an earlier LNM started is reported too",
    needs: ["crashGuest"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.reopen();
      await using watching = new Watching(node);

      await node.crashGuest(uid);

      await watching.until(uid, "crashed");
    },
  },
  {
    promises: [7],
    name: "a power cut is reported as stopped and never as a crash",
    async run(node) {
      await using watching = new Watching(node);
      const { uid } = await startNew(node);
      await watching.until(uid, "running");

      await powerOff(node, uid);

      await watching.until(uid, "stopped");
      ok(
        !watching.statesOf(uid).includes("crashed"),
        "told of a crash on the way",
      );
    },
  },
  {
    promises: [7, 10],
    name: "a crashed domain can be started again, and is a new run then",
    needs: ["crashGuest"],
    async run(node) {
      const plan = await startNew(node);
      await node.crashGuest(plan.uid);
      await untilState(node, plan.uid, "crashed");

      const report = await node.driver.start(
        { ...plan, incarnation: "next" },
        noAbort(),
      );

      deepStrictEqual([report.state, report.incarnation, report.reason], [
        "running",
        "next",
        "",
      ]);
      deepStrictEqual(await node.occupants(), [plan.uid]);
    },
  },
];

function sorted(reports: readonly DomainReport[]): DomainReport[] {
  return reports.toSorted((a, b) => a.domain < b.domain ? -1 : 1);
}

/** The tests of this file. */
export const survivalTests: readonly ConformanceTest[] = [
  ...restarts,
  ...endings,
];
