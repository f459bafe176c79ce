/**
 * The guard of real guests: a process of its own that pauses what it was told
 * of when the node's lease is over, whoever is alive then.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { DomainPlan } from "../../src/driver/driver.ts";
import { guardFiles } from "../../src/driver/guard/protocol.ts";
import type { ProcessId } from "../../src/sys/process_table.ts";
import { isFrozen, readLiving } from "../../src/sys/process_table.ts";
import { type QemuNode, qemuTest } from "../support/qemu_node.ts";
import { FAR, held, release, renew, startGuarded } from "../support/guarded.ts";
import { until } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

async function stateOf(node: QemuNode, { uid }: DomainPlan): Promise<string> {
  return (await node.driver.inspect(uid, noAbort())).state;
}

async function untilIs(node: QemuNode, plan: DomainPlan, state: string) {
  return await until(`${plan.name} is ${state}`, async () => {
    const report = await node.driver.inspect(plan.uid, noAbort());
    return report.state === state ? report : null;
  }, node);
}

function guardOf(node: QemuNode): ProcessId {
  const { pid } = guardFiles(node.layout.runDir);
  return JSON.parse(Deno.readTextFileSync(pid));
}

qemuTest(
  "[15, 16] what is guarded is paused when the lease is over, and nothing else, with no LNM there",
  async (node) => {
    const web = await startGuarded(node);
    const frozen = await startGuarded(node);
    const other = await node.plan();
    await node.driver.start(other, noAbort());
    await node.driver.pausing!.pause(frozen.uid, noAbort());
    const report = await renew(node, 1500);
    deepStrictEqual(report, {
      guarded: {
        [web.uid]: web.incarnation,
        [frozen.uid]: frozen.incarnation,
      },
      held: {},
    });
    await node.driver[Symbol.asyncDispose]();
    await until("the guard has paused it", () => held(node).length > 0, node);
    await node.reopen();
    const paused = await untilIs(node, web, "paused");
    strictEqual(paused.held, true);
    match(paused.reason, /^paused by its guard at .*, since its node's lease/);
    const left = await untilIs(node, frozen, "paused");
    deepStrictEqual([left.held, left.reason], [undefined, ""]);
    strictEqual(await stateOf(node, other), "running");

    // A lease that is back lets nothing go by itself, nor does one that is over.
    const again = await renew(node, FAR);
    deepStrictEqual(again.held, { [web.uid]: web.incarnation });
    await release(node, [web.uid, frozen.uid], -1);
    strictEqual(await stateOf(node, web), "paused");
    await release(node, [web.uid, frozen.uid]);
    strictEqual((await untilIs(node, web, "running")).held, undefined);
    strictEqual(await stateOf(node, frozen), "paused");
    deepStrictEqual((await renew(node, FAR)).held, {});
  },
);

qemuTest(
  "[15] a QEMU that does not answer is stopped by a signal, and goes on",
  async (node) => {
    const web = await startGuarded(node);
    // Its second monitor is taken, and the first is this node's own driver's.
    const path = node.layout.files(web.uid).monitors[1];
    using _client = await Deno.connect({ transport: "unix", path });
    await renew(node, 1000);
    await until("it is held", () => held(node)[0]?.how === "signal", node);
    const report = await untilIs(node, web, "paused");
    deepStrictEqual(report.held, true);
    match(report.reason, /QEMU did not answer/);
    await renew(node, FAR);
    await release(node, [web.uid]);
    await untilIs(node, web, "running");
  },
);

qemuTest(
  "[15, 16] a guard that is killed or stopped is replaced, and what it held is known",
  async (node) => {
    const web = await startGuarded(node);
    await renew(node, FAR);
    const first = guardOf(node);
    Deno.kill(first.pid, "SIGKILL");
    await until("it is gone", () => readLiving(first) === null, node);
    deepStrictEqual((await renew(node, 1000)).guarded, {
      [web.uid]: web.incarnation,
    });
    const second = guardOf(node);
    ok(second.pid !== first.pid);
    await untilIs(node, web, "paused");
    Deno.kill(second.pid, "SIGSTOP");
    await until("it is stopped", () => isFrozen(second), node);
    const { held } = await renew(node, FAR);
    deepStrictEqual(held, { [web.uid]: web.incarnation });
    ok(guardOf(node).pid !== second.pid);
    await release(node, [web.uid]);
    await untilIs(node, web, "running");
  },
);

qemuTest(
  "[16] a resume of a held domain is its owner's, and a power cut ends it",
  async (node) => {
    const web = await startGuarded(node);
    const db = await startGuarded(node);
    await renew(node, 1000);
    await untilIs(node, web, "paused");
    await untilIs(node, db, "paused");
    await renew(node, FAR);
    await node.driver.pausing!.resume(web.uid, noAbort());
    const stopped = await node.driver.stop(db.uid, {
      graceMs: 0,
      signal: noAbort(),
    });
    deepStrictEqual([stopped.state, stopped.held], ["stopped", undefined]);
    deepStrictEqual(await renew(node, FAR), {
      guarded: { [web.uid]: web.incarnation },
      held: {},
    });
    // Its owner pauses it: that is no guard's doing.
    await node.driver.pausing!.pause(web.uid, noAbort());
    strictEqual((await untilIs(node, web, "paused")).held, undefined);
  },
);

qemuTest(
  "a guard ends by itself once it has nothing to guard",
  async (node) => {
    const web = await startGuarded(node);
    await renew(node, FAR);
    const guard = guardOf(node);
    ok(readLiving(guard) !== null);
    await node.driver.stop(web.uid, { graceMs: 0, signal: noAbort() });
    await until("it has ended", () => readLiving(guard) === null, node);
    deepStrictEqual(await renew(node, FAR), { guarded: {}, held: {} });
  },
);
