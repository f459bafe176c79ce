/**
 * The promises about the end of a domain: how it is stopped, what forgetting
 * it takes and leaves, and what every report carries until then.
 *
 * @module
 */
import { deepStrictEqual, notDeepStrictEqual, ok } from "node:assert/strict";
import { within } from "../../support/wait.ts";
import {
  checkAbsent,
  checkListed,
  type ConformanceTest,
  listed,
  noAbort,
  powerOff,
  rejectsWith,
  startAndStop,
  startNew,
  untilState,
} from "./harness.ts";

/** Promise 8. */
const stops: readonly ConformanceTest[] = [
  {
    promises: [8],
    name: "a stop with a grace lets the guest shut down",
    async run(node) {
      const { uid } = await startNew(node);
      await node.guestUp(uid);

      const report = await node.driver.stop(uid, {
        graceMs: node.deadlineMs,
        signal: noAbort(),
      });

      deepStrictEqual(report.state, "stopped");
      await checkListed(node, uid, "stopped");
      deepStrictEqual(await node.occupants(), []);
    },
  },
  {
    promises: [8],
    name:
      "a guest that ignores its grace runs on after timed_out, and falls to a power cut",
    needs: ["deaf"],
    async run(node) {
      const { uid } = await startNew(node, "deaf");
      await node.guestUp(uid);
      const graceMs = 300;
      const began = performance.now();

      await rejectsWith(
        node.driver.stop(uid, { graceMs, signal: noAbort() }),
        "timed_out",
      );

      const took = performance.now() - began;
      ok(
        took >= 0.9 * graceMs,
        `gave up after ${took} ms of a grace of ${graceMs} ms`,
      );
      await checkListed(node, uid, "running");
      deepStrictEqual(await node.occupants(), [uid]);
      await powerOff(node, uid);
      deepStrictEqual(await node.occupants(), []);
    },
  },
  {
    promises: [8],
    name: "a power cut ends a start that hangs",
    needs: ["hanging"],
    async run(node) {
      const plan = await node.plan("hanging");
      const start = node.driver.start(plan, noAbort());
      start.catch(() => {});
      await untilState(node, plan.uid, "starting");

      await within("the power cut", node.deadlineMs, powerOff(node, plan.uid));

      await within(
        "the start ends",
        node.deadlineMs,
        rejectsWith(start, "driver_failed"),
      );
      deepStrictEqual(await node.occupants(), []);
    },
  },
  {
    promises: [8],
    name: "a power cut ends a domain whose hypervisor answers nothing",
    needs: ["freeze"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.freeze(uid);

      await within("the power cut", node.deadlineMs, powerOff(node, uid));

      deepStrictEqual(await node.occupants(), []);
    },
  },
];

/** Promises 9 and 10. */
const keeping: readonly ConformanceTest[] = [
  {
    promises: [9],
    name: "a running domain is not forgotten",
    async run(node) {
      const { uid } = await startNew(node);

      await rejectsWith(node.driver.forget(uid, noAbort()), "wrong_state");

      await checkListed(node, uid, "running");
    },
  },
  {
    promises: [9],
    name: "forgetting a domain leaves nothing of it, and all of the others",
    async run(node) {
      const gone = await startAndStop(node);
      const kept = await startAndStop(node);
      const running = await startNew(node);
      notDeepStrictEqual(await node.leftovers(gone.uid), []);

      await node.driver.forget(gone.uid, noAbort());

      deepStrictEqual(await node.leftovers(gone.uid), []);
      await node.reopen();
      await checkAbsent(node, gone.uid);
      await checkListed(node, kept.uid, "stopped");
      await checkListed(node, running.uid, "running");
    },
  },
  {
    promises: [9],
    name: "forgetting a domain leaves the disk that its user named",
    needs: ["disk"],
    async run(node) {
      const plan = await startAndStop(node, "disk");
      const path = plan.spec.disks[0]?.path ?? "";
      const { size } = await Deno.stat(path);

      await node.driver.forget(plan.uid, noAbort());

      deepStrictEqual((await Deno.stat(path)).size, size);
    },
  },
  {
    promises: [10],
    name:
      "every report carries what was given to start, and a new run what was given then",
    async run(node) {
      const first = await startNew(node);
      const { uid, name } = first;
      const second = {
        ...first,
        generation: first.generation + 1,
        incarnation: `${first.incarnation}-2`,
      };
      const given = ({ generation, incarnation }: typeof first) => ({
        uid,
        name,
        generation,
        incarnation,
      });

      for (const plan of [first, second]) {
        const started = await node.driver.start(plan, noAbort());
        const inspected = await node.driver.inspect(uid, noAbort());
        const [found] = await listed(node, uid);
        const stopped = await node.driver.stop(uid, {
          graceMs: 0,
          signal: noAbort(),
        });
        for (const report of [started, inspected, found, stopped]) {
          const { generation, incarnation } = report ?? {};
          deepStrictEqual({
            uid: report?.uid,
            name: report?.name,
            generation,
            incarnation,
          }, given(plan));
        }
      }
    },
  },
  {
    promises: [10],
    name:
      "a start of an older generation is refused, whether a newer one runs or ran",
    async run(node) {
      const plan = await startNew(node);
      const older = { ...plan, generation: plan.generation - 1 };
      await rejectsWith(node.driver.start(older, noAbort()), "stale");
      await checkListed(node, plan.uid, "running");
      await powerOff(node, plan.uid);
      await rejectsWith(node.driver.start(older, noAbort()), "stale");
      deepStrictEqual(await node.occupants(), []);
      await node.driver.forget(plan.uid, noAbort());
      await node.driver.start(older, noAbort());
      await powerOff(node, plan.uid);
    },
  },
];

/** The tests of this file. */
export const endingTests: readonly ConformanceTest[] = [...stops, ...keeping];
