/**
 * Every verb, from the API to a simulated domain and back.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TestSite } from "../support/site.ts";

function states(result: { outcomes: readonly { state: string }[] }): string[] {
  return result.outcomes.map(({ state }) => state);
}

Deno.test("start registers and starts; a count makes numbered VMs", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const result = await site.run("start", "web", { count: 10 });
  deepStrictEqual(
    result.outcomes.map(({ vm }) => vm),
    Array.from({ length: 10 }, (_, i) => `web-${i + 1}.default.admin`),
  );
  deepStrictEqual(new Set(states(result)), new Set(["succeeded"]));
  const on = await Promise.all(
    ["web-1", "web-10"].map((name) => site.vm(name)),
  );
  deepStrictEqual(on.map(({ status }) => status.state), ["running", "running"]);
  const nodes = new Set(result.outcomes.map(({ node }) => node));
  strictEqual(nodes.size, 2, "placement spreads over both nodes");
});

Deno.test("each verb leads to the state it promises", async () => {
  await using site = await TestSite.start();
  const expected: [string, string][] = [
    ["start", "running"],
    ["pause", "paused"],
    ["resume", "running"],
    ["reboot", "running"],
    ["cycle", "running"],
    ["shutdown", "stopped"],
    ["start", "running"],
    ["poweroff", "stopped"],
  ];
  for (const [verb, state] of expected) {
    const result = await site.run(verb, "web");
    deepStrictEqual(
      states(result),
      ["succeeded"],
      `${verb}: ${JSON.stringify(result.outcomes[0]?.problem)}`,
    );
    strictEqual(result.outcomes[0]?.changed, true, verb);
    strictEqual((await site.vm("web")).status.state, state, verb);
  }
  await site.run("unregister", "web");
  strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
});

Deno.test("reboot and cycle begin a new run of the VM", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web");
  const runs = [(await site.vm("web")).status.incarnation];
  for (const verb of ["reboot", "cycle"]) {
    await site.run(verb, "web");
    runs.push((await site.vm("web")).status.incarnation);
  }
  strictEqual(new Set(runs).size, 3);
});

Deno.test("destroy cuts the power and unregisters, whatever the state", async () => {
  await using site = await TestSite.start();
  await site.run("start", "a", { count: 3 });
  await site.run("pause", "a-2");
  await site.run("poweroff", "a-3");
  deepStrictEqual(states(await site.run("destroy", "a-*")), [
    "succeeded",
    "succeeded",
    "succeeded",
  ]);
  deepStrictEqual(
    (await site.call<{ vms: unknown[] }>("GET", "/v1/vms")).body.vms,
    [],
  );
});

Deno.test("a verb whose goal holds already succeeds and changes nothing", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web");
  for (const verb of ["start", "resume"]) {
    const [outcome] = (await site.run(verb, "web")).outcomes;
    deepStrictEqual(
      [outcome?.state, outcome?.changed],
      ["succeeded", false],
      verb,
    );
  }
  await site.run("poweroff", "web");
  for (const verb of ["poweroff", "shutdown"]) {
    const [outcome] = (await site.run(verb, "web")).outcomes;
    deepStrictEqual(
      [outcome?.state, outcome?.changed],
      ["succeeded", false],
      verb,
    );
  }
});

Deno.test("a verb that the state forbids fails with the state and what to do", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web");
  const [running] = (await site.run("unregister", "web")).outcomes;
  strictEqual(running?.problem?.code, "wrong_state");
  match(running.problem.detail, /it is running/);
  match(running.problem.hint ?? "", /destroy/);
  await site.run("poweroff", "web");
  const [off] = (await site.run("pause", "web")).outcomes;
  strictEqual(off?.problem?.code, "wrong_state");
});

Deno.test("a verb that is refused changes nothing, the owner's wish neither", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web");
  await site.run("pause", "web");
  const paused = await site.vm("web");
  await site.run("shutdown", "web", { args: { why: "test" } });
  deepStrictEqual(await site.vm("web"), paused);

  await site.run("register", "huge", { spec: { memoryMiB: 64 * 1024 * 1024 } });
  const huge = await site.vm("huge");
  const [outcome] = (await site.run("start", "huge")).outcomes;
  strictEqual(outcome?.problem?.code, "insufficient_resources");
  deepStrictEqual(await site.vm("huge"), huge);
});

Deno.test("one VM's failure never hides another's", async () => {
  await using site = await TestSite.start();
  await site.run("start", ["a", "b"]);
  await site.run("pause", "a");
  const result = await site.run("shutdown", ["a", "b"]);
  deepStrictEqual(states(result), ["failed", "succeeded"]);
});

Deno.test("register makes known without starting; start then starts it", async () => {
  await using site = await TestSite.start();
  await site.run("register", "web", {
    spec: { memoryMiB: 512 },
    args: { purpose: "test" },
  });
  const registered = await site.vm("web");
  deepStrictEqual([registered.status.state, registered.node, registered.args], [
    "absent",
    null,
    { purpose: "test" },
  ]);
  await site.run("start", "web");
  const started = await site.vm("web");
  deepStrictEqual([started.status.state, started.spec.memoryMiB], [
    "running",
    512,
  ]);
});

Deno.test("a shutdown that the guest ignores fails after its grace, and the VM runs on", async () => {
  await using site = await TestSite.start();
  await site.run("start", "stubborn", {
    spec: { sim: { ignoreShutdown: true } },
  });
  const [outcome] =
    (await site.run("shutdown", "stubborn", { graceMs: 100 })).outcomes;
  strictEqual(outcome?.problem?.code, "timed_out");
  strictEqual((await site.vm("stubborn")).status.state, "running");
  deepStrictEqual(states(await site.run("poweroff", "stubborn")), [
    "succeeded",
  ]);
});

Deno.test("a start that fails leaves no VM behind that it made itself", async () => {
  await using site = await TestSite.start();
  const [outcome] = (await site.run("start", "web", {
    spec: { sim: { startError: "no such kernel" } },
  })).outcomes;
  strictEqual(outcome?.state, "failed");
  match(outcome?.problem?.detail ?? "", /no such kernel/);
  strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
  deepStrictEqual(
    states(await site.run("start", "web")),
    ["succeeded"],
    "the name is free again",
  );
});

Deno.test("usage of VMs and nodes arrives with averages", async () => {
  await using site = await TestSite.start({ lnm: { usage_interval: "20ms" } });
  await site.run("start", "web");
  const { until } = await import("../support/wait.ts");
  const vm = await until("usage is there", async () => {
    const vm = await site.vm("web");
    return vm.usage?.cpu === null || vm.usage === null ? null : vm;
  });
  ok(vm.usage !== null && vm.usage.cpu !== null && vm.usage.cpu.m15 >= 0);
  const { body } = await site.call<
    {
      nodes: {
        usage: { cpu: unknown } | null;
        vms: number;
        allocatedMiB: number;
      }[];
    }
  >("GET", "/v1/nodes");
  deepStrictEqual([body.nodes[0]?.vms, body.nodes[0]?.allocatedMiB], [1, 256]);
});
