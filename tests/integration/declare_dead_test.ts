/**
 * A node that an administrator declares dead: its VMs are within reach of
 * every verb again, and it is believed when it comes back all the same.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EXIT, EXIT_OF } from "../../src/client/exit.ts";
import { runClient } from "../../src/client/main.ts";
import type { NodeView } from "../../src/schema/change.ts";
import type { Problem } from "../../src/schema/problem.ts";
import type { DeadAnswer } from "../../src/schema/route.ts";
import { FakeIo } from "../support/fake_client.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

async function nodeOf(site: TestSite, name: string): Promise<NodeView> {
  return (await site.call<NodeView>("GET", `/v1/nodes/${name}`)).body;
}

function declare(site: TestSite, node: string) {
  return site.call<DeadAnswer & Problem>(
    "POST",
    `/v1/nodes/${node}/declare-dead`,
  );
}

/** Ends a node and waits until the controller has noticed. */
async function silence(site: TestSite, node: string): Promise<void> {
  await site.site.stopNode(node);
  await until(
    `${node} is not connected`,
    async () => (await nodeOf(site, node)).state !== "ready",
  );
}

/** A site whose lease does not end within the test. */
async function start(nodes: number): Promise<TestSite> {
  return await TestSite.start({ nodes, ctrl: { node_lease: "60s" } });
}

Deno.test("declare-dead: a node that is connected is not dead, and one that is unknown is nothing", async () => {
  await using site = await start(1);
  const { status, body } = await declare(site, "n1");
  deepStrictEqual([status, body.code, body.subject], [
    409,
    "wrong_state",
    "n1",
  ]);
  match(body.detail, /"n1" dead: it is connected/);
  strictEqual((await declare(site, "n9")).body.code, "not_found");
});

Deno.test("declare-dead: VMs of the node have crashed, with the evidence, and start elsewhere", async () => {
  await using site = await start(2);
  await site.run("start", ["free", "off", "gone"], { on: "n1" });
  await site.run("start", "bound", {
    on: "n1",
    spec: { disks: [{ path: "/disk" }] },
  });
  await site.run("poweroff", "off");
  await silence(site, "n1");
  const waits = (await site.submit("shutdown", "gone")).outcomes[0];
  const before = await site.vm("free");

  const { body } = await declare(site, "n1");

  deepStrictEqual(body, {
    changed: true,
    crashed: ["bound", "free", "gone"].map((vm) => `${vm}.default.admin`),
  });
  strictEqual((await nodeOf(site, "n1")).state, "dead");
  const { status } = await site.vm("free");
  strictEqual(status.state, "crashed");
  match(
    status.reason,
    /^its node n1 was declared dead by admin; it was silent since \S+ \(it was running\)$/,
  );
  strictEqual((await site.vm("off")).status.state, "stopped");
  // What waited for the node no longer does.
  await site.untilOperation(waits?.operation ?? "", "failed");
  // Again is nothing new.
  deepStrictEqual((await declare(site, "n1")).body, {
    changed: false,
    crashed: [],
  });

  const results = [
    await site.run("start", ["free", "off"]),
    await site.run("poweroff", "gone"),
    await site.run("destroy", ["gone", "bound"]),
  ];
  for (const { outcomes } of results) {
    for (const { state, problem } of outcomes) {
      deepStrictEqual([state, problem], ["succeeded", null]);
    }
  }
  const after = await site.vm("free");
  deepStrictEqual([after.node, after.status.state], ["n2", "running"]);
  ok(after.generation > before.generation, "a takeover raises the generation");
  strictEqual((await site.vm("off")).node, "n2");
});

Deno.test("declare-dead: a VM with a disk of its own waits for its node, and says why", async () => {
  await using site = await start(2);
  await site.run("start", ["bound", "cycled"], {
    on: "n1",
    spec: { disks: [{ path: "/disk" }] },
  });
  await silence(site, "n1");
  await declare(site, "n1");
  for (const [verb, name] of [["start", "bound"], ["cycle", "cycled"]]) {
    const [outcome] = (await site.run(verb ?? "", name ?? "")).outcomes;
    strictEqual(outcome?.state, "failed");
    strictEqual(outcome.problem?.code, "unavailable");
    match(
      outcome.problem.detail,
      /its disk \(\/disk\) is on node n1, which is dead/,
    );
  }
  await site.site.startNode("n1");
  // It was running all the time, and nobody took it over.
  await site.untilState("bound", "running");
  strictEqual((await nodeOf(site, "n1")).state, "ready");
});

Deno.test("declare-dead: it outlives the controller, and a start that waited for its turn goes elsewhere", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_site_" });
  try {
    {
      await using site = await TestSite.start({
        nodes: 2,
        stateDir,
        ctrl: { node_lease: "60s" },
      });
      await site.run("start", "web", { on: "n1" });
      await silence(site, "n1");
      const held = (await site.submit("shutdown", "web")).outcomes[0];
      const waits = (await site.submit("start", "web")).outcomes[0];
      await declare(site, "n1");
      await site.untilOperation(held?.operation ?? "", "failed");
      await site.untilOperation(waits?.operation ?? "", "succeeded");
      strictEqual((await site.vm("web")).node, "n2");
    }
    await using site = await TestSite.start({ nodes: 0, stateDir });
    strictEqual((await nodeOf(site, "n1")).state, "dead");
    strictEqual((await nodeOf(site, "n2")).state, "silent");
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

Deno.test("usher node declare-dead asks first, and without a terminal wants --yes", async () => {
  await using site = await start(1);
  await site.run("start", "web");
  await silence(site, "n1");
  const run = async (line: string, options: Record<string, unknown> = {}) => {
    const io = new FakeIo({
      ...options,
      env: { HOME: "/nonexistent", USHERCLI_CONFIG: site.site.cliConfig },
    });
    const code = await runClient(line.split(" "), io);
    return { code, out: io.out, err: io.err };
  };
  const unasked = await run("node declare-dead n1");
  strictEqual(unasked.code, EXIT.usage);
  match(unasked.err, /there is no terminal[\s\S]*--yes/);
  const refused = await run("node declare-dead n1", {
    terminal: true,
    input: "n\n",
  });
  strictEqual(refused.code, EXIT_OF.cancelled);
  match(refused.err, /will run twice/);
  strictEqual((await nodeOf(site, "n1")).state, "silent");
  const done = await run("node declare-dead n1 --yes");
  deepStrictEqual([done.code, done.out], [
    0,
    "n1 is dead; 1 VM(s) count as crashed: web.default.admin\n",
  ]);
});
