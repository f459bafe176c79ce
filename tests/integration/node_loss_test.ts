/**
 * VMs whose node is lost: which start elsewhere, and what becomes of the
 * copies that come back.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Operation } from "../../src/schema/operation.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const RESTART = { spec: { onNodeLoss: "restart" } };

async function lastOperation(site: TestSite, vm: string): Promise<Operation> {
  const { body } = await site.call<{ operations: Operation[] }>(
    "GET",
    `/v1/operations?filter=vm=${vm}*&limit=1`,
  );
  const [operation] = body.operations;
  if (operation === undefined) throw new Error(`no operation of ${vm}`);
  return operation;
}

/** Waits until `node` runs `vm`. */
async function runsOn(site: TestSite, vm: string, node: string) {
  return await until(`${vm} runs on ${node}`, async () => {
    const its = await site.vm(vm);
    return its.node === node && its.status.state === "running" ? its : null;
  }, { deadlineMs: 60_000 });
}

Deno.test("node loss: a disk that no other node has refuses a restart elsewhere, by name", async () => {
  await using site = await TestSite.start();
  const problem = await site.refusal("start", ["web"], {
    spec: { onNodeLoss: "restart", disks: [{ path: "/srv/web.qcow2" }] },
  });
  deepStrictEqual([problem.code, problem.field], [
    "invalid_input",
    "spec.onNodeLoss",
  ]);
  match(problem.detail, /\(\/srv\/web\.qcow2\)/);
  match(problem.hint ?? "", /mark the disk shared/);
  const overlay = await site.refusal("register", ["web"], {
    spec: {
      onNodeLoss: "restart",
      disks: [{ base: "/srv/base.qcow2", shared: true }],
    },
  });
  match(overlay.detail, /overlay on \/srv\/base\.qcow2/);
  const shared = await site.run("start", "web", {
    spec: {
      onNodeLoss: "restart",
      disks: [
        { path: "/srv/web.qcow2", shared: true },
        { path: "/srv/tools.iso", format: "raw", readonly: true },
      ],
    },
  });
  strictEqual(shared.outcomes[0]?.state, "succeeded");
});

Deno.test("node loss: a VM of a node that was declared dead starts elsewhere, and its older copy is ended", async () => {
  await using site = await TestSite.start({
    nodes: 2,
    ctrl: { node_lease: "60s" },
  });
  await site.run("start", "web", { on: "n1", ...RESTART });
  await site.run("start", "waits", { on: "n1" });
  await site.run("start", ["off", "frozen"], { on: "n1", ...RESTART });
  await site.run("poweroff", "off");
  await site.run("pause", "frozen");
  const before = await site.vm("web");
  await site.site.stopNode("n1");
  await until(
    "n1 is silent",
    async () =>
      (await site.call<{ state: string }>("GET", "/v1/nodes/n1")).body.state ===
        "silent",
  );
  await site.call("POST", "/v1/nodes/n1/declare-dead");

  const after = await runsOn(site, "web", "n2");

  strictEqual(after.generation, before.generation + 1);
  strictEqual(after.restarts?.count, 1);
  const start = await lastOperation(site, "web");
  deepStrictEqual([start.verb, start.user, start.node], [
    "start",
    "admin",
    "n2",
  ]);
  const [why] = start.trail;
  strictEqual(why?.source, "node loss");
  match(why.text, /declared dead by admin.*starts on n2 instead of n1$/);
  const states = await Promise.all(
    ["waits", "off", "frozen"].map(async (vm) =>
      `${vm} ${(await site.vm(vm)).status.state} ${(await site.vm(vm)).node}`
    ),
  );
  deepStrictEqual(states, [
    "waits crashed n1",
    "off stopped n1",
    "frozen crashed n1",
  ]);

  // The word was wrong: n1 comes back, and has run it all the time.
  await site.site.startNode("n1");
  await until(
    "the older copy is ended, and said to be",
    () =>
      notes(site).includes(
        "its older copy on n1, which was running, was ended",
      ),
    { deadlineMs: 20_000 },
  );
  const still = await runsOn(site, "web", "n2");
  deepStrictEqual(still.status.incarnation, after.status.incarnation);
  // What nobody took over is as it was.
  await runsOn(site, "waits", "n1");
  strictEqual((await site.vm("frozen")).status.state, "paused");
  strictEqual((await site.vm("web")).restarts?.due, false);
});

/** What the change stream has said so far. */
function notes(site: TestSite): string[] {
  const { changes } = site.site.controller.site;
  return (changes.after(0, 100_000) ?? []).map(({ change }) => change.note);
}
