/**
 * Operations on one VM: one at a time, cancellable, never in the way of a
 * power cut.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type {
  CancelledRequest,
  OperationView,
} from "../../src/schema/operation.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { TestSite } from "../support/site.ts";

const HANGS = { spec: { sim: { startHangs: true } } };

Deno.test("operations: a second one waits its turn and names the holder", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web", { spec: { sim: { shutdownMs: 300 } } });
  const first = (await site.submit("shutdown", "web")).outcomes[0];
  const second = (await site.submit("start", "web")).outcomes[0];
  const waiting = await site.operation(second?.operation ?? "");
  deepStrictEqual([waiting.state, waiting.waitsFor], [
    "pending",
    first?.operation,
  ]);
  await site.untilOperation(second?.operation ?? "", "succeeded");
  strictEqual(
    (await site.operation(first?.operation ?? "")).state,
    "succeeded",
  );
  strictEqual((await site.vm("web")).status.state, "running");
});

Deno.test("operations: without queueing the answer is busy, with the holder", async () => {
  await using site = await TestSite.start();
  const first = (await site.submit("start", "web", HANGS)).outcomes[0];
  const [second] = (await site.run("pause", "web", { queue: false })).outcomes;
  deepStrictEqual([second?.problem?.code, second?.problem?.holder], [
    "busy",
    first?.operation,
  ]);
  match(second?.problem?.detail ?? "", /"start" .* holds web\.default\.admin/);
  await site.run("destroy", "web");
});

Deno.test("operations: two starts of one VM at once make one run", async () => {
  await using site = await TestSite.start();
  const results = await Promise.all(
    [1, 2, 3, 4].map(() => site.run("start", "web")),
  );
  deepStrictEqual(
    results.map(({ outcomes }) => outcomes[0]?.state),
    Array(4).fill("succeeded"),
  );
  strictEqual(results.filter(({ outcomes }) => outcomes[0]?.changed).length, 1);
});

Deno.test("operations: a poweroff takes over from a start that hangs", async () => {
  await using site = await TestSite.start();
  const start = (await site.submit("start", "web", HANGS)).outcomes[0];
  await site.untilOperation(start?.operation ?? "", "running");
  const [off] = (await site.run("poweroff", "web")).outcomes;
  strictEqual(off?.state, "succeeded");
  const cancelled = await site.operation(start?.operation ?? "");
  strictEqual(cancelled.state, "cancelled");
  match(cancelled.problem?.detail ?? "", /poweroff .* takes over/);
  ok(["stopped", "absent"].includes((await site.vm("web")).status.state));
});

Deno.test("operations: destroy takes over too, and leaves nothing", async () => {
  await using site = await TestSite.start();
  await site.submit("start", "web", HANGS);
  strictEqual(
    (await site.run("destroy", "web")).outcomes[0]?.state,
    "succeeded",
  );
  strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
});

Deno.test("operations: a start that hangs is cancelled and undone", async () => {
  await using site = await TestSite.start();
  const start = (await site.submit("start", "web", HANGS)).outcomes[0];
  await site.call("POST", `/v1/operations/${start?.operation}/cancel`);
  const ended = await site.untilOperation(
    start?.operation ?? "",
    "cancelled",
    "failed",
    "succeeded",
  );
  strictEqual(ended.state, "cancelled");
  strictEqual(
    (await site.call("GET", "/v1/vms/web")).status,
    404,
    "the VM that it made is gone",
  );
  const again = await site.call(
    "POST",
    `/v1/operations/${start?.operation}/cancel`,
  );
  strictEqual(again.status, 409);
});

Deno.test("operations: one that waits is cancelled at once", async () => {
  await using site = await TestSite.start();
  await site.submit("start", "web", HANGS);
  const waiting = (await site.submit("reboot", "web")).outcomes[0];
  await site.call("POST", `/v1/operations/${waiting?.operation}/cancel`);
  strictEqual(
    (await site.operation(waiting?.operation ?? "")).state,
    "cancelled",
  );
  await site.run("destroy", "web");
});

Deno.test("operations: on different VMs they never wait for each other", async () => {
  await using site = await TestSite.start();
  await site.submit("start", "slow", HANGS);
  strictEqual(
    (await site.run("start", "quick")).outcomes[0]?.state,
    "succeeded",
  );
  await site.run("destroy", "slow");
});

Deno.test("operations: every one carries who asked, for what, and when", async () => {
  await using site = await TestSite.start();
  const [outcome] = (await site.run("start", "web")).outcomes;
  const operation = await site.operation(outcome?.operation ?? "");
  deepStrictEqual(operation.trail[0]?.source, "user admin");
  ok(operation.createdAt <= (operation.endedAt ?? ""));
  deepStrictEqual(operation.begun, ["register", "place", "start"]);
});

Deno.test("operations: one that waits wants nothing of its VM before its turn, nor when it is refused", async () => {
  await using site = await TestSite.start();
  const spec = { sim: { bootMs: 3000 } };
  const start = await site.submit("start", "web", { spec });
  await site.submit("pause", "web");
  const shutdown = await site.submit("shutdown", "web", { args: { why: "x" } });
  const before = await site.vm("web");
  deepStrictEqual([before.spec.power, before.args], ["on", {}]);

  const [id = ""] = shutdown.outcomes.map(({ operation }) => operation ?? "");
  const { problem } = await site.untilOperation(id, "failed", "succeeded");
  strictEqual(problem?.code, "wrong_state");
  const after = await site.vm("web");
  deepStrictEqual(
    [after.status.state, after.spec.power, after.args, after.generation],
    ["paused", "on", {}, before.generation],
  );

  await site.run("resume", "web");
  await site.run("shutdown", "web", { args: { why: "y" } });
  const off = await site.vm("web");
  deepStrictEqual([off.spec.power, off.args], ["off", { why: "y" }]);
  strictEqual(start.outcomes.length, 1);
});

Deno.test("operations: one that waited has its VM wanted as it says from its turn on", async () => {
  await using site = await TestSite.start();
  const spec = { sim: { bootMs: 3000 } };
  await site.submit("start", "web", { spec });
  const shutdown = await site.submit("shutdown", "web", { args: { why: "x" } });
  const [id = ""] = shutdown.outcomes.map(({ operation }) => operation ?? "");
  const { state } = await site.untilOperation(id, "failed", "succeeded");
  const vm = await site.vm("web");
  deepStrictEqual(
    [state, vm.status.state, vm.spec.power, vm.args],
    ["succeeded", "stopped", "off", { why: "x" }],
  );
});

Deno.test("operations: a request is cancelled as a whole, the waiting ones first", async () => {
  await using site = await TestSite.start();
  const slow = { spec: { sim: { bootMs: 600_000 } }, count: 3 };
  const { request } = await site.submit("start", "web", slow);
  await site.submit("start", "quick");
  const { body } = await site.call<CancelledRequest>(
    "POST",
    `/v1/requests/${request}/cancel`,
  );
  deepStrictEqual(body.operations.map(({ problem }) => problem), [
    null,
    null,
    null,
  ]);
  for (const { operation } of body.operations) {
    await site.untilOperation(operation.id, "cancelled");
  }
  strictEqual((await site.call("GET", "/v1/vms/web-1")).status, 404);
  await site.untilState("quick", "running");
  const again = await site.call<CancelledRequest>(
    "POST",
    `/v1/requests/${request}/cancel`,
  );
  deepStrictEqual([again.status, again.body.operations], [200, []]);
});

Deno.test("operations: one that is past its point of no return says so before and when it is cancelled", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web", { spec: { sim: { ignoreShutdown: true } } });
  const [outcome] = (await site.submit("shutdown", "web", { graceMs: 60_000 }))
    .outcomes;
  const id = outcome?.operation ?? "";
  const { body: view } = await site.call<OperationView>(
    "GET",
    `/v1/operations/${id}`,
  );
  deepStrictEqual(view.cancellable, {
    can: false,
    why: "the guest has been asked to turn off",
  });
  const refused = await site.call<Problem>(
    "POST",
    `/v1/operations/${id}/cancel`,
  );
  strictEqual(refused.status, 409);
  match(refused.body.hint ?? "", /"usher vm poweroff web\.default\.admin"/);
  await site.run("poweroff", "web");
  await site.untilOperation(id, "cancelled");
});
