/**
 * What plugins are told of VMs and nodes, on a whole site: before what follows
 * from it, again after a restart, and once for each.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Vm } from "../../src/schema/vm.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { TestSite, type TestSiteOptions } from "../support/site.ts";
import { until } from "../support/wait.ts";

const NAME = "web.default.admin";

/** A site with a plugin `ears` that is registered for `events`. */
function siteWith(
  events: readonly string[],
  handle: (heard: { event: string; args: unknown[]; decision: string }) =>
    | Promise<void>
    | void,
  more: TestSiteOptions = {},
): Promise<TestSite> {
  const ears = pluginOf("ears", {
    "*": (args, { event, decision }) => handle({ event, args, decision }),
  });
  return TestSite.start({
    ...more,
    ctrl: { plugins: { ears: { events } } },
    modules: { ears },
  });
}

Deno.test("a new VM is started once its register chain has ended", async () => {
  const chain = Promise.withResolvers<void>();
  const heard: string[] = [];
  await using site = await siteWith(["register"], async ({ args: [vm] }) => {
    heard.push((vm as Vm).status.state);
    await chain.promise;
  });
  const { outcomes: [outcome] } = await site.submit("start", "web");
  const id = outcome?.operation ?? "";
  await until("it is told", () => heard.length > 0);
  const running = await site.untilOperation(id, "running");
  strictEqual(running.step, "start");
  strictEqual((await site.vm("web")).status.state, "absent");
  chain.resolve();
  await site.untilOperation(id, "succeeded");
  // What has been registered is not asked about again.
  await site.run("cycle", "web");
  deepStrictEqual(heard, ["absent"]);
});

Deno.test("a cluster's chain that does not end holds up neither the first VM of it nor what is told of that", async () => {
  const chain = Promise.withResolvers<void>();
  const heard: string[] = [];
  await using site = await siteWith(
    ["cluster_register", "register", "start"],
    async ({ event }) => {
      heard.push(event);
      if (event === "cluster_register") await chain.promise;
    },
  );
  strictEqual((await site.run("start", "web")).outcomes[0]?.state, "succeeded");
  await until("its start is told", () => heard.length === 3);
  deepStrictEqual(heard, ["cluster_register", "register", "start"]);
  chain.resolve();
});

Deno.test("a start that waits for its register chain can be cancelled", async () => {
  const chain = Promise.withResolvers<void>();
  const heard: string[] = [];
  await using site = await siteWith(
    ["register", "unregister"],
    async ({ event }) => {
      heard.push(event);
      await chain.promise;
    },
  );
  const { outcomes: [outcome] } = await site.submit("start", "web");
  const id = outcome?.operation ?? "";
  await until("it is told", () => heard.length > 0);
  await site.call("POST", `/v1/operations/${id}/cancel`, {});
  await site.untilOperation(id, "cancelled");
  strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
  chain.resolve();
  await until("its end is told", () => heard.length === 2);
  deepStrictEqual(heard, ["register", "unregister"]);
});

Deno.test("a register handler that fails keeps no VM off", async () => {
  let calls = 0;
  await using site = await siteWith(["register"], () => {
    calls++;
    throw new Error("no address left");
  });
  const [outcome] = (await site.run("start", "web")).outcomes;
  strictEqual(outcome?.state, "succeeded");
  strictEqual(calls, 1);
});

Deno.test("what a controller leaves untold is told by the next, under the same name, before the VM starts", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_told_" });
  try {
    const first: string[] = [];
    {
      await using site = await siteWith(["register"], ({ decision }) => {
        first.push(decision);
        return new Promise(() => {});
      }, { stateDir });
      await site.submit("start", "web");
      await until("it is told", () => first.length > 0);
    }
    const again: string[] = [];
    await using site = await siteWith(["register", "start"], (heard) => {
      again.push(heard.event, heard.decision);
    }, { stateDir });
    await site.untilState("web", "running");
    await until("the start is told", () => again.length === 4);
    deepStrictEqual([again[0], again[1], again[2]], [
      "register",
      first[0],
      "start",
    ]);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

Deno.test("register and unregister are told of once, whether or not they were asked for by name", async () => {
  const heard: string[] = [];
  await using site = await siteWith(["register", "unregister"], ({ event }) => {
    heard.push(event);
  });
  await site.run("register", "web");
  await site.run("unregister", "web");
  await site.run("start", "next");
  await until("the next is told of", () => heard.length >= 3);
  deepStrictEqual(heard, ["register", "unregister", "register"]);
});

Deno.test("a start that is refused before its VM has a record is told of with the VM that was asked for", async () => {
  const heard: [string, Vm, { code: string }][] = [];
  await using site = await siteWith(
    ["register", "start_failure", "unregister"],
    ({ event, args: [vm, problem] }) => {
      heard.push([event, vm as Vm, problem as { code: string }]);
    },
  );
  await site.run("start", "huge", {
    spec: { memoryMiB: 64 * 1024 * 1024 },
    args: { range: "lab" },
  });
  await until("it is told", () => heard.length > 0);
  strictEqual(heard.length, 1);
  const [event, vm, problem] = heard[0]!;
  strictEqual(event, "start_failure");
  deepStrictEqual([vm.name, vm.args], ["huge.default.admin", { range: "lab" }]);
  strictEqual(problem.code, "insufficient_resources");
});

Deno.test("a VM that was found is registered; one that is forgotten is told of as it was last", async () => {
  const heard: [string, string, string][] = [];
  await using site = await siteWith(
    ["register", "unregister", "cluster_register"],
    ({ event, args: [first] }) => {
      const { name, status } = first as Vm;
      heard.push([event, name, status?.state]);
    },
    {
      lnm: {
        drivers: {
          sim: {
            foreign: [{
              name: "old",
              state: "running",
              memoryMiB: 64,
              vcpus: 1,
            }],
          },
        },
      },
    },
  );
  await site.run("start", "web");
  await site.run("poweroff", "web");
  await site.run("unregister", "web");
  await until("the end is told", () => heard.length >= 5);
  deepStrictEqual(heard.map(([event, name]) => `${event} ${name}`), [
    "cluster_register n1.found",
    "register old.n1.found",
    "cluster_register default.admin",
    `register ${NAME}`,
    `unregister ${NAME}`,
  ]);
  strictEqual(heard[1]?.[2], "running");
  ok(["stopped", "absent"].includes(heard[4]?.[2] ?? ""));
  // The cluster outlives its VMs, and is not registered again.
  await site.run("start", "web");
  await until("it is told", () => heard.length >= 6);
  strictEqual(heard[5]?.[0], "register");
});

Deno.test("a node connects once it has told of all that it runs, and disconnects once, also when its controller ends", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_told_" });
  const heard: string[] = [];
  const events = ["lnm_connect", "lnm_disconnect"];
  const handle = ({ event, args }: { event: string; args: unknown[] }) => {
    const [node] = args as [{ name: string; state: string }];
    heard.push(`${event} ${node.name} ${node.state}`);
  };
  try {
    {
      await using site = await siteWith(events, handle, { stateDir });
      await site.site.stopNode("n1");
      await until("it is gone", () => heard.length === 2);
      await site.site.startNode("n1");
      await until("it is back", () => heard.length === 3);
    }
    await using _site = await siteWith(events, handle, { stateDir });
    await until("it is back again", () => heard.length === 5);
    deepStrictEqual(heard, [
      "lnm_connect n1 ready",
      "lnm_disconnect n1 silent",
      "lnm_connect n1 ready",
      "lnm_disconnect n1 silent",
      "lnm_connect n1 ready",
    ]);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});
