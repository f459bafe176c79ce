/**
 * Controller and LNM killed in the middle of everything: what was accepted
 * comes to its end, once.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Result } from "../../src/schema/operation.ts";
import { simNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 240_000, everyMs: 100 };

function startSite(): Promise<ProcessSite> {
  return ProcessSite.start({ nodes: [simNode("n1")] });
}

/** Ten VMs that take so long to start; the request's id is its name. */
function start(
  site: ProcessSite,
  name: string,
  bootMs: number,
): Promise<Result> {
  return site.submit({
    id: `request-${name}`,
    verb: "start",
    names: [name],
    count: 10,
    spec: { memoryMiB: 16, sim: { bootMs } },
  });
}

/** Waits until some of a request's VMs have started. */
async function untilSomeStarted(
  site: ProcessSite,
  name: string,
): Promise<void> {
  await until("some have started", async () => {
    const path = `/v1/requests/request-${name}`;
    const { outcomes } = await site.call<Result>("GET", path);
    return outcomes.some(({ state }) => state === "succeeded");
  }, PATIENCE);
}

/** Every VM runs, once, as the operation that started it says, and none is held. */
async function assertAllRunOnce(
  site: ProcessSite,
  names: readonly string[],
  accepted: readonly Result[],
): Promise<void> {
  for (const [i, name] of names.entries()) {
    const { outcomes } = await site.ends(`request-${name}`);
    deepStrictEqual(
      outcomes.map(({ state, problem }) => [state, problem]),
      Array(10).fill(["succeeded", null]),
    );
    deepStrictEqual(
      outcomes.map(({ operation }) => operation),
      accepted[i]?.outcomes.map(({ operation }) => operation),
      "the operations are those that were promised",
    );
  }
  const started = new Set(
    accepted.flatMap(({ outcomes }) =>
      outcomes.map(({ operation }) => operation)
    ),
  );
  const vms = await site.vms();
  strictEqual(vms.length, names.length * 10);
  for (const { name, status, holder } of vms) {
    deepStrictEqual([name, status.state, holder], [name, "running", null]);
    strictEqual(started.delete(status.incarnation), true, name);
  }
}

const NAMES = ["a", "b", "c", "d", "e"];

Deno.test("a controller killed again and again in the middle of 50 starts: every one ends, once", async () => {
  await using site = await startSite();
  const accepted: Result[] = [];
  for (const [i, name] of NAMES.entries()) {
    accepted.push(await start(site, name, i * 400));
  }
  // At once: between what is durable and what the nodes were told.
  await site.restartCtrl();
  // While some have started and some have not.
  await untilSomeStarted(site, "b");
  await site.restartCtrl();
  // A client that got no answer asks again, and gets the same operations.
  for (const [i, name] of NAMES.entries()) {
    const again = await start(site, name, i * 400);
    deepStrictEqual(
      again.outcomes.map(({ operation }) => operation),
      accepted[i]?.outcomes.map(({ operation }) => operation),
    );
  }
  await site.restartCtrl();
  await assertAllRunOnce(site, NAMES, accepted);
});

Deno.test("an LNM killed in the middle of 50 starts, and both at once: every one ends, once", async () => {
  await using site = await startSite();
  const accepted: Result[] = [];
  for (const [i, name] of NAMES.entries()) {
    accepted.push(await start(site, name, i * 400));
  }
  await untilSomeStarted(site, "b");
  await site.restartNode("n1");
  await Promise.all([site.ctrl.kill(), site.node("n1").kill()]);
  await site.startCtrl();
  await site.startNode("n1");
  await assertAllRunOnce(site, NAMES, accepted);
});

Deno.test("a controller killed while VMs are cycled: each has one new run", async () => {
  await using site = await startSite();
  const accepted = await start(site, "a", 0);
  await assertAllRunOnce(site, ["a"], [accepted]);
  const cycled = await site.submit({
    id: "request-cycle",
    verb: "cycle",
    names: ["a-*"],
  });
  await site.restartCtrl();
  await site.restartNode("n1");
  const { outcomes } = await site.ends("request-cycle");
  deepStrictEqual(
    outcomes.map(({ state }) => state),
    Array(10).fill("succeeded"),
  );
  const runs = (await site.vms()).map(({ status }) => [
    status.state,
    status.incarnation,
  ]);
  deepStrictEqual(
    runs.toSorted(),
    cycled.outcomes.map(({ operation }) => ["running", operation]).toSorted(),
  );
});
