/**
 * VMs whose node is lost: which start elsewhere, and what becomes of the
 * copies that come back.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readAudit } from "../../src/ctrl/audit/read.ts";
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
  deepStrictEqual(await decided(site, "start"), ["admin web n1 to n2"]);
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
  deepStrictEqual(await decided(site, "poweroff"), [" web n1 to n2"]);
  // What nobody took over is as it was.
  await runsOn(site, "waits", "n1");
  strictEqual((await site.vm("frozen")).status.state, "paused");
  strictEqual((await site.vm("web")).restarts?.due, false);
});

/** What the audit log says that the controller decided by itself. */
async function decided(site: TestSite, verb: string): Promise<string[]> {
  const { audit } = site.site.controller.site;
  const records = await Array.fromAsync(readAudit(audit, { verb }));
  return records.filter(({ via }) => via === "controller").map(
    ({ user, names, args }) => {
      const { from, node, runsOn = node } = args ?? {};
      const [vm = ""] = names;
      return `${user} ${vm.split(".")[0]} ${from ?? node} to ${runsOn}`;
    },
  );
}

/** What the change stream has said so far. */
function notes(site: TestSite): string[] {
  const { changes } = site.site.controller.site;
  return (changes.after(0, 100_000) ?? []).map(({ change }) => change.note);
}

/** The shortest terms: a takeover by time comes after four seconds. */
const SHORT = { node_lease: "1s", takeover_margin: "3s" };

/** Waits until the guard of a VM's node has it in hand. */
async function guarded(site: TestSite, ...names: string[]): Promise<void> {
  for (const name of names) {
    await until(`${name} is guarded`, async () => {
      const { node, status } = await site.vm(name);
      return status.guard?.node === node;
    }, { deadlineMs: 20_000 });
  }
}

Deno.test("node loss: a guarded VM is taken over by time, and its held copy is ended when the node is back", async () => {
  await using site = await TestSite.start({ nodes: 2, ctrl: SHORT });
  await site.run("start", "web", { on: "n1", ...RESTART });
  await site.run("start", "waits", { on: "n1" });
  await guarded(site, "web");
  const before = await site.vm("web");
  strictEqual((await site.vm("waits")).status.guard, undefined);
  await site.site.stopNode("n1");

  const after = await runsOn(site, "web", "n2");

  strictEqual(after.generation, before.generation + 1);
  const { trail } = await lastOperation(site, "web");
  match(
    trail[0]?.text ?? "",
    /^its node n1 was lost, and its guard has paused it \(it was running\); starts on n2/,
  );
  deepStrictEqual(
    [(await site.vm("waits")).status.state, (await site.vm("waits")).node],
    ["unknown", "n1"],
  );
  await site.site.startNode("n1");
  await until(
    "the held copy is gone",
    () =>
      notes(site).includes("its older copy on n1, which was paused, was ended"),
    { deadlineMs: 20_000 },
  );
  strictEqual((await site.vm("web")).node, "n2");
  await runsOn(site, "waits", "n1");
});

Deno.test("node loss: what nobody took over goes on where it was held, and what its owner paused stays so", async () => {
  await using site = await TestSite.start({ nodes: 1, ctrl: SHORT });
  await site.run("start", ["web", "frozen"], RESTART);
  await guarded(site, "web", "frozen");
  await site.run("pause", "frozen");
  const before = await site.vm("web");
  await site.site.stopNode("n1");
  await site.untilState("web", "unknown");
  const { links } = site.site.controller.site;
  const { heardAt } = links.link("n1");
  await until("a takeover was due", () => performance.now() - heardAt > 4500, {
    deadlineMs: 20_000,
  });
  strictEqual((await site.vm("web")).node, "n1", "no other node takes it");

  await site.site.startNode("n1");

  const after = await runsOn(site, "web", "n1");
  deepStrictEqual(after.status.incarnation, before.status.incarnation);
  ok(
    notes(site).some((note) => note.startsWith("paused: paused by its guard")),
  );
  strictEqual((await site.vm("frozen")).status.state, "paused");
  strictEqual(after.restarts, undefined);
});

Deno.test("node loss: without a guard's word nothing is taken over by time", async () => {
  await using site = await TestSite.start({
    nodes: 2,
    ctrl: SHORT,
    lnm: { drivers: { sim: { guardError: "no guard runs" } } },
  });
  await site.run("start", "web", { on: "n1", ...RESTART });
  await site.site.stopNode("n1");
  await site.untilState("web", "unknown");
  const { heardAt } = site.site.controller.site.links.link("n1");
  await until(
    "a takeover would be due",
    () => performance.now() - heardAt > 4500,
    { deadlineMs: 20_000 },
  );
  const { node, status } = await site.vm("web");
  deepStrictEqual([node, status.state], ["n1", "unknown"]);
  // Proof is enough.
  await site.call("POST", "/v1/nodes/n1/declare-dead");
  await runsOn(site, "web", "n2");
});
