/**
 * Draining a node: everything on it leaves or is named, a few at a time,
 * whatever happens meanwhile.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import type {
  DrainPlan,
  NodeOperation,
  NodeOperationView,
  UndrainAnswer,
} from "../../src/schema/node_operation.ts";
import type { Operation } from "../../src/schema/operation.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const SLOW = { deadlineMs: 60_000 };

async function drain(
  site: TestSite,
  node: string,
  options: object = {},
): Promise<NodeOperationView> {
  const path = `/v1/nodes/${node}/drain`;
  const { status, body } = await site.call<NodeOperationView>(
    "POST",
    path,
    options,
  );
  strictEqual(status, 200, JSON.stringify(body));
  return body;
}

async function show(site: TestSite, id: string): Promise<NodeOperationView> {
  const path = `/v1/node-operations/${id}`;
  return (await site.call<NodeOperationView>("GET", path)).body;
}

async function ended(site: TestSite, id: string): Promise<NodeOperationView> {
  return await until(`drain ${id} has ended`, async () => {
    const now = await show(site, id);
    return now.endedAt === null ? null : now;
  }, SLOW);
}

async function vmsOn(site: TestSite, node: string): Promise<string[]> {
  const path = `/v1/vms?filter=node%3D${node}`;
  const { body } = await site.call<{ vms: { name: string }[] }>("GET", path);
  return body.vms.map(({ name }) => name.split(".")[0] ?? "");
}

/** The most migrations that ever ran at the same time, and that went to one node. */
function mostAtOnce(operations: readonly Operation[]): [number, number] {
  const moments = operations.flatMap(({ startedAt, endedAt, to }) => [
    { at: startedAt ?? "", to, change: 1 },
    { at: endedAt ?? "", to, change: -1 },
  ]).sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : a.change - b.change);
  const running = new Map<string | null, number>();
  let most = 0;
  let mostTo = 0;
  for (const { to, change } of moments) {
    running.set(to, (running.get(to) ?? 0) + change);
    mostTo = Math.max(mostTo, running.get(to) ?? 0);
    most = Math.max(most, [...running.values()].reduce((a, b) => a + b, 0));
  }
  return [most, mostTo];
}

async function children(site: TestSite, id: string): Promise<Operation[]> {
  const path = `/v1/operations?filter=parent%3D${id}&limit=1000`;
  const { body } = await site.call<{ operations: Operation[] }>("GET", path);
  return body.operations;
}

Deno.test("drain: thirty VMs leave a node, on or off, few at a time, and it takes no others until undrain", async () => {
  await using site = await TestSite.start({ nodes: 3 });
  const spec = { memoryMiB: 16, sim: { sendMs: 30 } };
  await site.run("start", "web", { count: 24, on: "n1", spec });
  await site.run("start", "off", { count: 3, on: "n1", spec });
  await site.run("poweroff", "off-*");
  await site.run("start", "frozen", { count: 3, on: "n1", spec });
  await site.run("pause", "frozen-*");
  const begun = await drain(site, "n1", { parallel: 3 });
  deepStrictEqual([begun.state, begun.total], ["running", 30]);
  strictEqual((await drain(site, "n1")).id, begun.id, "the same drain");
  const refused = await site.run("start", "late", { on: "n1" });
  match(JSON.stringify(refused.outcomes[0]?.problem?.refusals), /drain/);
  const done = await ended(site, begun.id);
  deepStrictEqual([done.state, done.moved, done.failed, done.problem], [
    "succeeded",
    30,
    0,
    null,
  ]);
  deepStrictEqual(await vmsOn(site, "n1"), []);
  const { body } = await site.call<
    { vms: { name: string; status: { state: string } }[] }
  >("GET", "/v1/vms");
  for (const { name, status } of body.vms) {
    const state = name.startsWith("web")
      ? "running"
      : name.startsWith("off")
      ? "stopped"
      : "paused";
    strictEqual(status.state, state, name);
  }
  const [most, mostTo] = mostAtOnce(await children(site, begun.id));
  ok(most <= 3 && mostTo <= 2, `${most} at once, ${mostTo} to one node`);
  const node = await site.call<NodeView>("GET", "/v1/nodes/n1");
  strictEqual(node.body.draining, true);
  const undrained = await site.call<UndrainAnswer>(
    "POST",
    "/v1/nodes/n1/undrain",
  );
  deepStrictEqual(undrained.body, { node: "n1", changed: true, drain: null });
  strictEqual(
    (await site.run("start", "late", { on: "n1" })).outcomes[0]?.state,
    "succeeded",
  );
});

Deno.test("drain: a VM that cannot leave is named, stops no other, and is tried again by the next", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", ["fails"], {
    on: "n1",
    spec: { sim: { sendMs: 2000, sendError: "the wire is cut" } },
  });
  await site.run("start", ["fits"], { on: "n1" });
  await site.run("start", "apart", { on: "n2" });
  await site.run("start", ["shy"], {
    on: "n1",
    spec: { placement: { apartFrom: ["apart"] } },
  });
  const plan = await site.call<DrainPlan>(
    "POST",
    "/v1/nodes/n1/drain/plan",
    {},
  );
  deepStrictEqual(
    plan.body.moves.map(({ vm, to, live }) => [vm.split(".")[0], to, live]),
    [["fails", "n2", true], ["fits", "n2", true], ["shy", null, true]],
  );
  strictEqual(
    (await site.call<NodeView>("GET", "/v1/nodes/n1")).body.draining,
    false,
  );
  const first = await ended(site, (await drain(site, "n1")).id);
  deepStrictEqual([first.state, first.moved, first.failed], ["failed", 1, 2]);
  match(first.problem?.detail ?? "", /2 of 3 VMs are still on it/);
  match(first.problem?.hint ?? "", /fails\.\S+: .*the wire is cut/);
  match(first.problem?.hint ?? "", /shy\.\S+: no node fits/);
  deepStrictEqual((await vmsOn(site, "n1")).sort(), ["fails", "shy"]);
  await site.run("destroy", ["apart", "fails"]);
  const second = await ended(site, (await drain(site, "n1")).id);
  deepStrictEqual([second.state, second.total, second.moved], [
    "succeeded",
    1,
    1,
  ]);
});

Deno.test("drain: cancelled, it leaves VMs where they are, whole, and the node takes none until undrain", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const spec = { sim: { sendMs: 600_000 } };
  await site.run("start", "web", { count: 4, on: "n1", spec });
  const { id } = await drain(site, "n1");
  await until(
    "two are on their way",
    async () =>
      (await children(site, id)).filter(({ step }) => step === "send")
        .length ===
        2,
  );
  const cancelled = await site.call<NodeOperation>(
    "POST",
    `/v1/node-operations/${id}/cancel`,
  );
  strictEqual(cancelled.body.state, "cancelling");
  const done = await ended(site, id);
  deepStrictEqual([done.state, done.problem?.code, done.moved], [
    "cancelled",
    "cancelled",
    0,
  ]);
  deepStrictEqual((await vmsOn(site, "n1")).length, 4);
  for (let i = 1; i <= 4; i++) await site.untilState(`web-${i}`, "running");
  const again = await site.call<Problem>(
    "POST",
    `/v1/node-operations/${id}/cancel`,
  );
  strictEqual(again.status, 409);
  strictEqual(
    (await site.call<NodeView>("GET", "/v1/nodes/n1")).body.draining,
    true,
  );
});

Deno.test("drain: two nodes at the same time send nothing to each other", async () => {
  await using site = await TestSite.start({ nodes: 4 });
  const spec = { memoryMiB: 16, sim: { sendMs: 20 } };
  await site.run("start", "a", { count: 8, on: "n1", spec });
  await site.run("start", "b", { count: 8, on: "n2", spec });
  const drains = [await drain(site, "n1"), await drain(site, "n2")];
  for (const { id } of drains) {
    strictEqual((await ended(site, id)).state, "succeeded");
    for (const { to } of await children(site, id)) {
      ok(to === "n3" || to === "n4", `${to} is drained too`);
    }
  }
  deepStrictEqual([...await vmsOn(site, "n1"), ...await vmsOn(site, "n2")], []);
});

Deno.test("drain: to one node as many go at the same time as may leave", async () => {
  await using site = await TestSite.start({ nodes: 3 });
  const spec = { memoryMiB: 16, sim: { sendMs: 600_000 } };
  await site.run("start", "web", { count: 6, on: "n1", spec });
  const { id } = await drain(site, "n1", { to: "n3", parallel: 4 });
  const sending = async () =>
    (await children(site, id)).filter(({ step }) => step === "send");
  await until(
    "four are on their way",
    async () => (await sending()).length === 4,
  );
  for (const { to } of await sending()) strictEqual(to, "n3");
  const undrained = await site.call<UndrainAnswer>(
    "POST",
    "/v1/nodes/n1/undrain",
  );
  strictEqual(undrained.body.drain, id);
  strictEqual((await ended(site, id)).state, "cancelled");
  strictEqual((await vmsOn(site, "n1")).length, 6);
});

Deno.test("drain: what cannot be drained says why", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const ask = (node: string, body: object = {}) =>
    site.call<Problem>("POST", `/v1/nodes/${node}/drain`, body);
  deepStrictEqual([
    (await ask("n9")).status,
    (await ask("n1", { to: "n9" })).status,
  ], [404, 404]);
  match((await ask("n1", { to: "n1" })).body.detail, /to itself/);
  match((await ask("n1", { parallel: 0 })).body.detail, /parallel/);
  await ended(site, (await drain(site, "n2")).id);
  match((await ask("n1", { to: "n2" })).body.detail, /drained too/);
  await site.site.stopNode("n1");
  await until(
    "n1 is silent",
    async () =>
      (await site.call<NodeView>("GET", "/v1/nodes/n1")).body.state ===
        "silent",
  );
  const silent = await ask("n1");
  strictEqual(silent.status, 409);
  match(silent.body.hint ?? "", /declare-dead n1/);
});

Deno.test("drain: one that was under way goes on with the next controller, and moves each VM once", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_site_" });
  try {
    let id = "";
    {
      await using site = await TestSite.start({ nodes: 3, stateDir });
      const spec = { memoryMiB: 16, sim: { sendMs: 100 } };
      await site.run("start", "web", { count: 20, on: "n1", spec });
      id = (await drain(site, "n1")).id;
      await until(
        "some have moved",
        async () => (await show(site, id)).moved > 3,
      );
    }
    await using site = await TestSite.start({ nodes: 3, stateDir });
    const done = await ended(site, id);
    deepStrictEqual([done.state, done.total, done.moved], [
      "succeeded",
      20,
      20,
    ]);
    const moves = (await children(site, id)).filter(({ state }) =>
      state === "succeeded"
    );
    strictEqual(new Set(moves.map(({ uid }) => uid)).size, moves.length);
    deepStrictEqual(await vmsOn(site, "n1"), []);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});
