/**
 * Moving a domain to the same driver of another node: one runs at any time,
 * and what was not switched leaves no trace.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { DomainPlan, Migration } from "../../../src/driver/driver.ts";
import type { Transfer } from "../../../src/schema/frame.ts";
import type { Progress } from "../../../src/schema/operation.ts";
import { newId } from "../../../src/sys/id.ts";
import {
  checkAbsent,
  checkListed,
  type ConformanceTest,
  type DriverHarness,
  listed,
  noAbort,
  powerOff,
  rejectsWith,
  startAndStop,
  startNew,
  stateOf,
} from "./harness.ts";

const needs = ["migration"] as const;

function migrationOf({ driver }: DriverHarness): Migration {
  ok(
    driver.migration !== undefined,
    "the driver has no `migration`, and the suite was not told",
  );
  return driver.migration;
}

/** One migration, act by act, as the controller asks for them. */
class Moving {
  readonly id = newId();
  readonly source: DriverHarness;
  readonly target: DriverHarness;
  readonly plan: DomainPlan;
  readonly progress: Progress[] = [];
  transfer: Transfer;

  constructor(
    source: DriverHarness,
    target: DriverHarness,
    plan: DomainPlan,
    live = true,
  ) {
    this.source = source;
    this.target = target;
    this.plan = plan;
    this.transfer = {
      id: this.id,
      peer: "peer",
      live,
      options: { autoConverge: true, postCopy: false },
      offer: null,
      ticket: null,
    };
  }

  async offer(): Promise<void> {
    const offer = await migrationOf(this.source)
      .offer(this.plan.uid, this.transfer, noAbort());
    this.transfer = { ...this.transfer, offer };
  }

  async receive(): Promise<void> {
    const ticket = await migrationOf(this.target)
      .receive(this.plan, this.transfer, noAbort());
    this.transfer = { ...this.transfer, ticket };
  }

  async send(): Promise<void> {
    const report = await migrationOf(this.source).send(
      this.plan.uid,
      this.transfer,
      (progress) => this.progress.push(progress),
      noAbort(),
    );
    deepStrictEqual(report.state, "migrating");
  }

  async activate(): Promise<string> {
    const { state } = await migrationOf(this.target)
      .activate(this.plan.uid, this.transfer, noAbort());
    return state;
  }

  async abort(): Promise<string> {
    const { state } = await migrationOf(this.source)
      .abort(this.plan.uid, this.transfer, noAbort());
    return state;
  }

  async release(node: DriverHarness): Promise<void> {
    const { state } = await migrationOf(node)
      .release(this.plan.uid, this.transfer, noAbort());
    deepStrictEqual(state, "absent");
  }

  /** The states that the source and the target list. */
  async states(): Promise<string[]> {
    const { uid } = this.plan;
    const both = [this.source, this.target];
    const lists = await Promise.all(both.map((node) => listed(node, uid)));
    return lists.map((reports) =>
      reports.map(({ state }) => state).join("+") || "absent"
    );
  }

  /** Checks that the source is as it was, and that the target has nothing. */
  async checkUndone(state: "running" | "paused" | "stopped"): Promise<void> {
    const { uid, incarnation } = this.plan;
    const report = await checkListed(this.source, uid, state);
    deepStrictEqual(report.incarnation, incarnation);
    await checkAbsent(this.target, uid);
    deepStrictEqual(await this.target.leftovers(uid), []);
  }
}

const STEPS = ["offer", "receive", "send"] as const;

/** A new domain that is about to move, and the acts before the switch up to `last`. */
async function begun(
  node: DriverHarness,
  last?: typeof STEPS[number],
): Promise<Moving> {
  const target = await node.peer();
  const moving = new Moving(node, target, await startNew(node));
  if (last === undefined) return moving;
  for (const step of STEPS.slice(0, STEPS.indexOf(last) + 1)) {
    await moving[step]();
  }
  return moving;
}

export const migrationTests: readonly ConformanceTest[] = [
  {
    promises: [12],
    name:
      "a domain that moves runs at the source, then nowhere, then at the target",
    needs,
    async run(node) {
      const moving = await begun(node);
      await moving.offer();
      deepStrictEqual(await moving.states(), ["running", "absent"]);
      await moving.receive();
      deepStrictEqual(await moving.states(), ["running", "migrating"]);
      await moving.send();
      deepStrictEqual(await moving.states(), ["migrating", "migrating"]);
      deepStrictEqual(await moving.activate(), "running");
      deepStrictEqual(await moving.states(), ["migrating", "running"]);
      await moving.release(node);
      const { uid, incarnation, generation } = moving.plan;
      const report = await checkListed(moving.target, uid, "running");
      deepStrictEqual([report.incarnation, report.generation], [
        incarnation,
        generation,
      ]);
      await checkAbsent(node, uid);
      deepStrictEqual(await node.leftovers(uid), []);
      await powerOff(moving.target, uid);
    },
  },
  {
    promises: [12],
    name: "every act of a migration may be asked again",
    needs,
    async run(node) {
      const moving = await begun(node);
      for (const step of STEPS) {
        await moving[step]();
        await moving[step]();
      }
      // A controller that was restarted asks for all of it again.
      for (const step of STEPS) await moving[step]();
      deepStrictEqual(await moving.activate(), "running");
      deepStrictEqual(await moving.activate(), "running");
      await moving.release(node);
      await moving.release(node);
      deepStrictEqual(await moving.states(), ["absent", "running"]);
      await powerOff(moving.target, moving.plan.uid);
    },
  },
  ...STEPS.map((last): ConformanceTest => ({
    promises: [13],
    name: `a migration that ends after its ${last} is undone at both ends`,
    needs,
    async run(node) {
      const moving = await begun(node, last);
      deepStrictEqual(await moving.abort(), "running");
      await moving.release(moving.target);
      await moving.checkUndone("running");
      deepStrictEqual(await moving.abort(), "running");
      await moving.release(moving.target);
      await moving.checkUndone("running");
    },
  })),
  {
    promises: [13],
    name: "a domain that was moved in vain moves at the next attempt",
    needs,
    async run(node) {
      const failed = await begun(node, "send");
      await failed.abort();
      await failed.release(failed.target);
      const moving = new Moving(node, failed.target, failed.plan);
      for (const step of STEPS) await moving[step]();
      deepStrictEqual(await moving.activate(), "running");
      await moving.release(node);
      await powerOff(moving.target, moving.plan.uid);
    },
  },
  {
    promises: [3, 12, 13],
    name: "each act goes on from what an earlier LNM left, at either end",
    needs,
    async run(node) {
      const moving = await begun(node);
      for (const step of STEPS) {
        await moving[step]();
        await node.reopen();
        await moving.target.reopen();
      }
      deepStrictEqual(await moving.states(), ["migrating", "migrating"]);
      deepStrictEqual(await moving.activate(), "running");
      await moving.target.reopen();
      deepStrictEqual(await moving.activate(), "running");
      await moving.release(node);
      deepStrictEqual(await moving.states(), ["absent", "running"]);
      await powerOff(moving.target, moving.plan.uid);
    },
  },
  {
    promises: [8, 12],
    name: "the power of a copy can be cut, at either end",
    needs,
    async run(node) {
      const moving = await begun(node, "send");
      const { uid } = moving.plan;
      for (const its of [node, moving.target]) {
        await powerOff(its, uid);
        await its.driver.forget(uid, noAbort());
        await checkAbsent(its, uid);
        deepStrictEqual(await its.leftovers(uid), []);
      }
    },
  },
  {
    promises: [12],
    name: "what runs is not released, and a copy is not forgotten or started",
    needs,
    async run(node) {
      const moving = await begun(node, "receive");
      const { uid } = moving.plan;
      await rejectsWith(moving.release(node), "wrong_state");
      await rejectsWith(
        moving.target.driver.forget(uid, noAbort()),
        "wrong_state",
      );
      deepStrictEqual(await moving.states(), ["running", "migrating"]);
      await moving.abort();
      await moving.release(moving.target);
      await moving.checkUndone("running");
    },
  },
  {
    promises: [6, 14],
    name: "a node that has a domain of the uid takes in no other",
    needs,
    async run(node) {
      const moving = await begun(node, "offer");
      const { target, plan } = moving;
      await target.driver.start(plan, noAbort());
      await powerOff(target, plan.uid);
      await rejectsWith(moving.receive(), "wrong_state", "already_exists");
      deepStrictEqual(await stateOf(target, plan.uid), "stopped");
      await moving.abort();
      deepStrictEqual(await stateOf(node, plan.uid), "running");
    },
  },
  {
    promises: [13],
    name: "abort and release end whatever migration there is, and none",
    needs,
    async run(node) {
      const moving = await begun(node, "send");
      const other = new Moving(node, moving.target, moving.plan);
      deepStrictEqual(await other.abort(), "running");
      await other.release(moving.target);
      await moving.checkUndone("running");
    },
  },
  {
    promises: [12],
    name: "a paused domain moves and stays paused",
    needs: ["migration", "pausing", "pausedMigration"],
    async run(node) {
      const moving = await begun(node);
      const { uid } = moving.plan;
      await node.driver.pausing?.pause(uid, noAbort());
      for (const step of STEPS) await moving[step]();
      deepStrictEqual(await moving.activate(), "paused");
      await moving.release(node);
      const resumed = await moving.target.driver.pausing?.resume(
        uid,
        noAbort(),
      );
      deepStrictEqual(resumed?.state, "running");
      await powerOff(moving.target, uid);
    },
  },
  {
    promises: [12],
    name: "a stopped domain moves, stays stopped, and can be started there",
    needs,
    async run(node) {
      const target = await node.peer();
      const plan = await startAndStop(node);
      const moving = new Moving(node, target, plan, false);
      await moving.offer();
      await moving.receive();
      await migrationOf(node).send(
        plan.uid,
        moving.transfer,
        () => {},
        noAbort(),
      );
      deepStrictEqual(await moving.activate(), "stopped");
      await moving.release(node);
      deepStrictEqual(await moving.states(), ["absent", "stopped"]);
      const again = { ...plan, incarnation: newId() };
      await target.driver.start(again, noAbort());
      deepStrictEqual(await stateOf(target, plan.uid), "running");
      await powerOff(target, plan.uid);
    },
  },
  {
    promises: [4],
    name: "giving up the wait for a send ends nothing",
    needs,
    async run(node) {
      const moving = await begun(node, "receive");
      const { uid } = moving.plan;
      const gaveUp = new AbortController();
      const sending = migrationOf(node).send(
        uid,
        moving.transfer,
        () => {},
        gaveUp.signal,
      );
      gaveUp.abort(new Error("enough"));
      await sending.catch(() => {});
      await moving.send();
      deepStrictEqual(await moving.states(), ["migrating", "migrating"]);
      ok(moving.progress.length > 0, "nothing was told of how far it came");
      const last = moving.progress.at(-1)!;
      ok(last.doneBytes <= last.totalBytes, JSON.stringify(last));
      deepStrictEqual(await moving.activate(), "running");
      await moving.release(node);
      await powerOff(moving.target, uid);
    },
  },
];
