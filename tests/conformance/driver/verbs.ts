/**
 * The promises about verbs in general and about starts: idempotence, the truth
 * of `list`, aborts, failed starts, one domain a uid.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { isUsherError } from "../../../src/error/mod.ts";
import { until, within } from "../../support/wait.ts";
import {
  checkAbsent,
  checkListed,
  type ConformanceTest,
  listed,
  noAbort,
  rejectsWith,
  startAndStop,
  startNew,
  stateOf,
  untilState,
} from "./harness.ts";

/** Promise 1. */
const idempotence: readonly ConformanceTest[] = [
  {
    promises: [1],
    name: "starting a running domain succeeds and changes nothing",
    async run(node) {
      const plan = await startNew(node);
      const again = {
        ...plan,
        incarnation: "another",
        generation: plan.generation + 1,
      };

      const report = await node.driver.start(again, noAbort());

      deepStrictEqual(report.state, "running");
      deepStrictEqual(report.incarnation, plan.incarnation);
      deepStrictEqual(report.generation, plan.generation);
      deepStrictEqual(await node.occupants(), [plan.uid]);
    },
  },
  {
    promises: [1],
    name: "stopping a stopped domain succeeds, with a grace and without",
    async run(node) {
      const { uid } = await startAndStop(node);

      for (const graceMs of [0, 1000]) {
        const report = await node.driver.stop(uid, {
          graceMs,
          signal: noAbort(),
        });
        deepStrictEqual(report.state, "stopped");
      }
    },
  },
  {
    promises: [1],
    name: "stopping and forgetting an absent domain succeed",
    async run(node) {
      const { uid } = await node.plan();

      for (const graceMs of [0, 1000]) {
        const report = await node.driver.stop(uid, {
          graceMs,
          signal: noAbort(),
        });
        deepStrictEqual(report.state, "absent");
      }
      await node.driver.forget(uid, noAbort());
      await node.driver.forget(uid, noAbort());
      await checkAbsent(node, uid);
    },
  },
];

/** Promise 2. */
const truth: readonly ConformanceTest[] = [
  {
    promises: [2],
    name:
      "list tells each domain once, in its state, and none that is not there",
    async run(node) {
      const running = await startNew(node);
      const stopped = await startAndStop(node);
      const forgotten = await startAndStop(node);
      await node.driver.forget(forgotten.uid, noAbort());

      await checkListed(node, running.uid, "running");
      await checkListed(node, stopped.uid, "stopped");
      await checkAbsent(node, forgotten.uid);
      deepStrictEqual(await node.occupants(), [running.uid]);
    },
  },
  {
    promises: [2],
    name: "what died behind usher's back is not listed as running",
    needs: ["crashGuest"],
    async run(node) {
      const { uid } = await startNew(node);

      await node.crashGuest(uid);

      await until(
        "list tells of the crash",
        async () => (await listed(node, uid))[0]?.state === "crashed",
        node,
      );
      await checkListed(node, uid, "crashed");
    },
  },
  {
    promises: [2],
    name:
      "a domain that usher did not make is listed without a uid, and lives on",
    needs: ["plantForeign"],
    async run(node) {
      const name = await node.plantForeign();

      await startAndStop(node);
      await node.reopen();

      // A node may have others, of whoever else uses it.
      const foreign = (await node.driver.list(noAbort()))
        .filter((report) => report.name === name);
      deepStrictEqual(
        foreign.map(({ uid, state, incarnation }) => [uid, state, incarnation]),
        [[null, "running", null]],
      );
    },
  },
];

/** Promise 4. */
const aborts: readonly ConformanceTest[] = [
  {
    promises: [4, 6],
    name: "a start aborted at once can be asked for again and gives one domain",
    async run(node) {
      const plan = await node.plan();
      const abort = new AbortController();

      const first = node.driver.start(plan, abort.signal);
      abort.abort(new Error("given up"));
      await first.catch((error: Error) =>
        deepStrictEqual(error.message, "given up")
      );

      const report = await node.driver.start(plan, noAbort());
      deepStrictEqual(report.state, "running");
      deepStrictEqual(await node.occupants(), [plan.uid]);
    },
  },
  {
    promises: [4],
    name:
      "a start aborted on the way gives up at once, and its domain comes up",
    needs: ["slow"],
    async run(node) {
      const plan = await node.plan("slow");
      const abort = new AbortController();
      const start = node.driver.start(plan, abort.signal);
      start.catch(() => {});
      await untilState(node, plan.uid, "starting");

      abort.abort(new Error("given up"));

      await within(
        "the start gives up",
        node.deadlineMs,
        rejects(start, /given up/),
      );
      await untilState(node, plan.uid, "running");
    },
  },
  {
    promises: [4],
    name:
      "a stop aborted during its grace gives up at once, and the domain runs on",
    needs: ["deaf"],
    async run(node) {
      const { uid } = await startNew(node, "deaf");
      await node.guestUp(uid);
      const abort = new AbortController();

      const stop = node.driver.stop(uid, {
        graceMs: 10 * node.deadlineMs,
        signal: abort.signal,
      });
      stop.catch(() => {});
      await untilState(node, uid, "stopping");
      abort.abort(new Error("given up"));

      await within(
        "the stop gives up",
        node.deadlineMs,
        rejects(stop, /given up/),
      );
      await checkListed(node, uid, "running");
      deepStrictEqual(await node.occupants(), [uid]);
    },
  },
  {
    promises: [4],
    name: "a signal that aborts ends the watch without an error, and no domain",
    async run(node) {
      const { uid } = await startNew(node);
      const abort = new AbortController();
      const watch = (async () => {
        for await (
          const _ of node.driver.watch(abort.signal)
        ) { /* until it ends */ }
      })();

      abort.abort();

      await within("the watch ends", node.deadlineMs, watch);
      await checkListed(node, uid, "running");
    },
  },
];

/** Promises 5 and 6. */
const starts: readonly ConformanceTest[] = [
  {
    promises: [5],
    name:
      "a start that fails says so, and leaves nothing that a second one trips over",
    async run(node) {
      const broken = await node.plan("broken");

      await rejectsWith(
        node.driver.start(broken, noAbort()),
        "driver_failed",
        "invalid_input",
      );

      await checkAbsent(node, broken.uid);
      deepStrictEqual(await node.leftovers(broken.uid), []);
      const { spec } = await node.plan();
      const report = await node.driver.start({ ...broken, spec }, noAbort());
      deepStrictEqual(report.state, "running");
      deepStrictEqual(await node.occupants(), [broken.uid]);
    },
  },
  {
    promises: [5],
    name:
      "a start with a file that is not there is refused as invalid_input, and its field named",
    needs: ["files"],
    async run(node) {
      const plan = await node.plan();
      const disk = { path: "/no/such/disk", format: "raw" } as const;
      const spec = {
        ...plan.spec,
        disks: [{ ...disk, readonly: false, shared: false }],
      };

      const error = await node.driver.start({ ...plan, spec }, noAbort()).then(
        () => null,
        (error: unknown) => error,
      );

      ok(isUsherError(error, "invalid_input"), String(error));
      deepStrictEqual(error.details.field, "spec.disks[0].path");
      ok(error.message.includes(plan.name), error.message);
      ok(error.message.includes(disk.path), error.message);
      await checkAbsent(node, plan.uid);
      deepStrictEqual(await node.leftovers(plan.uid), []);
    },
  },
  {
    promises: [6],
    name: "many starts of one uid at once all succeed and give one domain",
    async run(node) {
      const plan = await node.plan();
      const starts = Array.from({ length: 8 }, (_, i) => {
        return node.driver.start({
          ...plan,
          incarnation: `${plan.incarnation}-${i}`,
        }, noAbort());
      });

      const reports = await Promise.all(starts);

      deepStrictEqual(await node.occupants(), [plan.uid]);
      deepStrictEqual(
        new Set(reports.map(({ state }) => state)),
        new Set(["running"]),
      );
      deepStrictEqual(
        new Set(reports.map(({ incarnation }) => incarnation)).size,
        1,
      );
      await checkListed(node, plan.uid, "running");
    },
  },
  {
    promises: [6],
    name: "starts and power cuts of one uid at once never give two domains",
    async run(node) {
      const plan = await node.plan();

      await Promise.allSettled(Array.from({ length: 9 }, (_, i) => {
        return i % 3 === 2
          ? node.driver.stop(plan.uid, { graceMs: 0, signal: noAbort() })
          : node.driver.start(plan, noAbort());
      }));

      const occupants = await node.occupants();
      ok(occupants.length <= 1, `two domains of one uid: ${occupants}`);
      const up = ["starting", "running"].includes(
        await stateOf(node, plan.uid),
      );
      deepStrictEqual(occupants, up ? [plan.uid] : []);
      await node.driver.start(plan, noAbort());
      deepStrictEqual(await node.occupants(), [plan.uid]);
    },
  },
];

/** The tests of this file. */
export const verbTests: readonly ConformanceTest[] = [
  ...idempotence,
  ...truth,
  ...aborts,
  ...starts,
];
