/**
 * What survives the end of a controller, of an LNM, and of their link.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { startCtrl } from "../../src/ctrl/ctrl.ts";
import type { UsherError } from "../../src/error/mod.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { silentLog } from "../../src/sys/log.ts";
import { localPlugins } from "../support/local_plugins.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

Deno.test("recovery: a controller that ends and starts again changes no VM", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_site_" });
  try {
    let before: unknown;
    {
      await using site = await TestSite.start({ nodes: 2, stateDir });
      await site.run("start", "web", { count: 4 });
      await site.run("pause", "web-2");
      await site.run("poweroff", "web-3");
      before = await picture(site);
    }
    await using site = await TestSite.start({ nodes: 2, stateDir });
    deepStrictEqual(await picture(site), before);
    strictEqual(
      (await site.run("resume", "web-2")).outcomes[0]?.state,
      "succeeded",
    );
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

async function picture(site: TestSite) {
  const { body } = await site.call<
    {
      vms: {
        name: string;
        node: string;
        status: { state: string; incarnation: string };
      }[];
    }
  >("GET", "/v1/vms");
  return body.vms.map((
    { name, node, status },
  ) => [name, node, status.state, status.incarnation]);
}

Deno.test("recovery: a second controller on the same state is refused, with the holder", async () => {
  await using site = await TestSite.start({ nodes: 0 });
  const { state_dir } = site.site.controller.site.config;
  const config = CtrlConfig.parse({
    state_dir,
    listen: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" },
  });
  await rejects(
    startCtrl({
      config,
      version: "0",
      log: silentLog,
      plugins: localPlugins(),
    }),
    (error: UsherError) => {
      strictEqual(error.code, "busy");
      match(
        `${error.message} ${error.details.hint}`,
        new RegExp(`\\b${Deno.pid}\\b`),
      );
      return true;
    },
  );
  strictEqual((await site.call("GET", "/v1/whoami")).status, 200);
});

Deno.test("recovery: an LNM that ends and starts again finds its domains", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web", { count: 3 });
  await site.site.stopNode("n1");
  await until(
    "the node is silent",
    async () => (await nodeState(site)) === "silent",
  );
  await site.site.startNode("n1");
  strictEqual(await nodeState(site), "ready");
  deepStrictEqual((await picture(site)).map(([, , state]) => state), [
    "running",
    "running",
    "running",
  ]);
  strictEqual(
    (await site.run("shutdown", "web-1")).outcomes[0]?.state,
    "succeeded",
  );
});

async function nodeState(site: TestSite): Promise<string> {
  const { body } = await site.call<{ nodes: { state: string }[] }>(
    "GET",
    "/v1/nodes",
  );
  return body.nodes[0]?.state ?? "";
}

Deno.test("recovery: a node silent past its lease is lost, its VMs unknown, and back when it is", async () => {
  await using site = await TestSite.start({ ctrl: { node_lease: "4s" } });
  await site.run("start", "web");
  await site.site.stopNode("n1");
  await site.untilState("web", "unknown");
  strictEqual(await nodeState(site), "lost");
  const [outcome] = (await site.run("pause", "web")).outcomes;
  strictEqual(outcome?.problem?.code, "unavailable");
  match(outcome.problem.detail, /n1 is out of reach/);
  await site.site.startNode("n1");
  await site.untilState("web", "running");
});

Deno.test("recovery: an operation whose node is away goes on when the node is back", async () => {
  await using site = await TestSite.start({ ctrl: { node_lease: "30s" } });
  await site.run("start", "web");
  await site.site.stopNode("n1");
  await until(
    "the node is silent",
    async () => (await nodeState(site)) === "silent",
  );
  const pending = (await site.submit("shutdown", "web")).outcomes[0];
  strictEqual(
    (await site.operation(pending?.operation ?? "")).state,
    "running",
  );
  await site.site.startNode("n1");
  await site.untilOperation(pending?.operation ?? "", "succeeded");
  strictEqual((await site.vm("web")).status.state, "stopped");
});

Deno.test("recovery: an operation that a controller left goes on with the next", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_site_" });
  try {
    let id = "";
    {
      await using site = await TestSite.start({ stateDir });
      await site.run("start", "web", {
        spec: { sim: { ignoreShutdown: true } },
      });
      id =
        (await site.submit("shutdown", "web", { graceMs: 600_000 })).outcomes[0]
          ?.operation ?? "";
      await site.untilOperation(id, "running");
    }
    await using site = await TestSite.start({ stateDir });
    strictEqual((await site.operation(id)).state, "running");
    strictEqual(
      (await site.run("poweroff", "web")).outcomes[0]?.state,
      "succeeded",
    );
    strictEqual((await site.operation(id)).state, "cancelled");
    strictEqual((await site.vm("web")).status.state, "stopped");
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

Deno.test("recovery: a guest that crashes by itself is noticed, with evidence", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web", { spec: { sim: { crashAfterMs: 50 } } });
  const vm = await site.untilState("web", "crashed");
  strictEqual(vm.status.reason.length > 0, true);
  strictEqual((await site.run("start", "web")).outcomes[0]?.state, "succeeded");
});
