/**
 * Migration on a whole site of simulated nodes: from the command line and the
 * API over real links to the domains.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import type { Operation } from "../../src/schema/operation.ts";
import { TestSite } from "../support/site.ts";
import { type Shell, withShell } from "../support/site_shell.ts";
import { until } from "../support/wait.ts";

Deno.test("migrate moves a running VM to another node, where the same run goes on", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", { on: "n1" });
  const before = await site.vm("web");
  const { outcomes: [outcome] } = await site.run("migrate", "web");
  deepStrictEqual(
    [outcome?.state, outcome?.changed, outcome?.problem],
    ["succeeded", true, null],
  );
  const after = await site.vm("web");
  deepStrictEqual(
    [after.node, after.status.state, after.status.incarnation],
    ["n2", "running", before.status.incarnation],
  );
  const operation = await site.operation(outcome?.operation ?? "");
  deepStrictEqual([operation.from, operation.to, operation.step], [
    "n1",
    "n2",
    null,
  ]);
  match(operation.begun.join(" "), /^place offer receive send switch release$/);
  strictEqual((await site.run("pause", "web")).outcomes[0]?.state, "succeeded");
});

Deno.test("a target that a VM's constraints forbid is refused, and the constraint named", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const spec = { placement: { apartFrom: ["web-*"] } };
  await site.run("start", "web", { count: 2, spec });
  const [one, two] = [await site.vm("web-1"), await site.vm("web-2")];
  const { outcomes: [refused] } = await site.run("migrate", "web-1", {
    to: two.node,
  });
  strictEqual(refused?.problem?.code, "insufficient_resources");
  match(JSON.stringify(refused?.problem?.refusals), /apart.*web-2/);
  const { node, status } = await site.vm("web-1");
  deepStrictEqual([node, status.state, status.incarnation], [
    one.node,
    "running",
    one.status.incarnation,
  ]);
});

Deno.test("many VMs move at once, and each ends on the other node", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", {
    count: 20,
    on: "n1",
    spec: { sim: { sendMs: 50 } },
  });
  const { outcomes } = await site.run("migrate", "web-*");
  deepStrictEqual(
    new Set(outcomes.map(({ state, node }) => `${state} on ${node}`)),
    new Set(["succeeded on n2"]),
  );
});

Deno.test("watchers are told how far it has come, and so is who asks", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", {
    on: "n1",
    spec: { sim: { sendMs: 60_000 } },
  });
  const { outcomes: [outcome] } = await site.submit("migrate", "web");
  const id = outcome?.operation ?? "";
  const { progress } = await until("progress is told", async () => {
    const operation = await site.operation(id);
    return operation.progress === undefined ? null : operation;
  });
  deepStrictEqual([progress?.phase, progress?.totalBytes], ["memory", 1 << 28]);
  const { changes } = site.site.controller.site;
  const told = await until("two changes with progress", () => {
    const some = (changes.after(0) ?? []).map(({ change }) => change)
      .filter(({ id: its, value }) =>
        its === id && (value as Operation).progress !== undefined
      );
    return some.length >= 2 ? some : null;
  });
  ok(told.every(({ note }) => note === "migrate send"));
  // Nothing of it is kept: not after the step, and not in the state.
  strictEqual(
    site.site.controller.site.records.operations.get(id)?.progress,
    undefined,
  );
  await site.call("POST", `/v1/operations/${id}/cancel`);
  const { state, progress: after } = await site.untilOperation(id, "cancelled");
  deepStrictEqual([state, after], ["cancelled", undefined]);
  strictEqual((await site.vm("web")).status.state, "running");
});

Deno.test("the command line says from where to where, how far it is, and what went wrong", () =>
  withShell(2, async (shell) => {
    const { run } = shell;
    await run("vm start web --on n1");
    const moved = await run("vm migrate web --to n2");
    strictEqual(moved.code, EXIT.done, moved.err);
    match(moved.err, /web\.default\.admin: running on n2\n$/);
    match(
      (await run("op list verb=migrate")).out,
      /migrate +web\.default\.admin +succeeded +- +n1 → n2 /,
    );
    const id = (await run("op list verb=migrate -o name")).out.trim();
    match((await run(`op show ${id}`)).out, /^from +n1\nto +n2$/m);
    await checkRefusals(shell);
    await run("vm start slow --on n1 --sim sendMs=60s");
    const left = await run("vm migrate slow --timeout 2s");
    strictEqual(left.code, EXIT.stillRunning);
    match(
      left.err,
      /slow\.default\.admin: send from n1 to n2: memory \d+% of 256M, 4\.3M\/s, \d+s left/,
    );
    strictEqual((await run("vm poweroff slow")).code, EXIT.done);
  }));

async function checkRefusals({ run }: Shell): Promise<void> {
  const cases: [string, number, RegExp][] = [
    ["vm migrate web --to n2", EXIT.done, /already running on n2/],
    ["vm migrate web --to n22", EXIT.failed, /did you mean "n2"\?/],
    ["vm migrate web --bandwidth 100", EXIT.usage, /is no bandwidth/],
    ["vm migrate web --bandwidth 1KiB/s", EXIT.usage, /64KiB\/s at least/],
    ["vm migrate wbe", EXIT.failed, /did you mean "web"\?/],
  ];
  for (const [line, code, said] of cases) {
    const ran = await run(line);
    strictEqual(ran.code, code, `${line}: ${ran.err}`);
    match(ran.err, said, line);
  }
}

Deno.test("a node that ends and comes back while a VM moves ends nothing", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", {
    on: "n1",
    spec: { sim: { sendMs: 700 } },
  });
  for (const node of ["n1", "n2"]) {
    const { outcomes: [outcome] } = await site.submit("migrate", "web");
    const id = outcome?.operation ?? "";
    await until(
      "it is being sent",
      async () => (await site.operation(id)).step === "send",
    );
    await site.site.stopNode(node);
    await site.site.startNode(node);
    const { state, problem } = await site.untilOperation(
      id,
      "succeeded",
      "failed",
    );
    deepStrictEqual([state, problem], ["succeeded", null]);
    strictEqual((await site.untilState("web", "running")).node, "n2");
    await site.run("migrate", "web", { to: "n1" });
  }
});
