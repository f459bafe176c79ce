/**
 * Chains in a whole site: what handlers decide is what happens, and what
 * happens is told to them.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { PluginContext } from "../../src/plugin/api.ts";
import type { NodeOperation } from "../../src/schema/node_operation.ts";
import type { Plan } from "../../src/schema/plan.ts";
import type { PluginView } from "../../src/schema/plugin.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { createLog } from "../../src/sys/log.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** Registers plugins of a test for events, with everything granted that they ask. */
function registered(
  plugins: Record<string, readonly string[]>,
  grants: Record<string, unknown> = {},
) {
  return {
    plugins: Object.fromEntries(
      Object.entries(plugins).map((
        [name, events],
      ) => [name, { events, grants }]),
    ),
  };
}

Deno.test("chains: an edit is what is done, its trail says by whom, and a refusal is exit code 4's", async () => {
  const policy = pluginOf("policy", {
    start_request([request], ctx) {
      if (request.vms.length > 2) ctx.refuse("2 VMs at most", "ask for fewer");
      return [{ ...request, spec: { ...request.spec, memoryMiB: 128 } }];
    },
  });
  await using site = await TestSite.start({
    modules: { policy },
    ctrl: registered({ policy: ["start_request"] }),
  });
  const { outcomes: [outcome] } = await site.run("start", "web");
  strictEqual(outcome?.state, "succeeded");
  strictEqual((await site.vm("web")).spec.memoryMiB, 128);
  const { trail, plugins } = await site.operation(outcome?.operation ?? "");
  ok(
    trail.some(({ source, text }) =>
      source === "plugin policy" && text === "set spec.memoryMiB to 128"
    ),
  );
  deepStrictEqual(plugins, { policy: "policy-1.0.0" });
  const problem = await site.refusal("start", ["db"], { count: 3 });
  deepStrictEqual(
    [problem.status, problem.code, problem.detail, problem.hint],
    [403, "refused", 'Plugin "policy" refuses: 2 VMs at most', "ask for fewer"],
  );
  const plan = await site.call<Plan>("POST", "/v1/plans", {
    verb: "start",
    names: ["db"],
  });
  deepStrictEqual(plan.body.plugins, [{
    event: "start_request",
    plugin: "policy",
    changed: ["set spec.memoryMiB to 128"],
  }]);
});

Deno.test("chains: the end of every operation is told, with what went wrong where it did", async () => {
  const heard: string[] = [];
  const ear = pluginOf("ear", {
    "*"(args, ctx) {
      const [vm, more] = args as [
        { name: string },
        { code?: string; name?: string },
      ];
      heard.push(
        [ctx.event, vm.name, more?.code ?? more?.name ?? ""].join(" ").trim(),
      );
    },
  });
  await using site = await TestSite.start({
    nodes: 2,
    modules: { ear },
    ctrl: registered({
      ear: ["start", "migrate", "pause_failure", "poweroff", "migrate_failure"],
    }),
  });
  const { outcomes: [started] } = await site.run("start", "web", { on: "n1" });
  strictEqual(started?.state, "succeeded");
  await site.run("migrate", "web");
  await site.run("migrate", "web", { to: "n2" });
  await site.run("poweroff", "web");
  await site.run("pause", "web").catch(() => {});
  await until("all is told", () => heard.length >= 5);
  deepStrictEqual(heard, [
    "start web.default.admin",
    "migrate web.default.admin n1",
    "migrate web.default.admin n2",
    "poweroff web.default.admin",
    "pause_failure web.default.admin wrong_state",
  ]);
});

Deno.test("chains: a request that waits for a handler says for whom, keeps none waiting, and can be given up", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = pluginOf("slow", {
    async request([request]) {
      if ("args" in request && request.args.slow === "yes") await gate.promise;
    },
  });
  await using site = await TestSite.start({
    modules: { slow },
    ctrl: registered({ slow: ["request"] }),
  });
  const body = { verb: "start", names: ["web"], args: { slow: "yes" } };
  const send = (id: string) =>
    site.client.fetch(`${site.site.url}/v1/requests?follow=1`, {
      method: "POST",
      headers: { authorization: `Bearer ${site.site.token}` },
      body: JSON.stringify({ ...body, id }),
    });
  const [first, second] = await Promise.all([
    send("slow-request-1"),
    send("slow-request-2"),
  ]);
  // Others go on meanwhile.
  strictEqual((await site.run("start", "db")).outcomes[0]?.state, "succeeded");
  const attached = site.call("GET", "/v1/requests/slow-request-2/follow");
  const given = await site.call<{ wasWaiting?: boolean }>(
    "POST",
    "/v1/requests/slow-request-1/cancel",
  );
  strictEqual(given.body.wasWaiting, true);
  const said = linesOf(await first.text());
  const { plugin, event, waitedMs = 0 } = said[0] ?? {};
  deepStrictEqual([plugin, event], ["slow", "request"]);
  ok(waitedMs >= 900, `${waitedMs}`);
  strictEqual(said.at(-1)?.problem?.code, "cancelled");
  gate.resolve();
  const types = linesOf(await second.text()).map(({ type }) => type);
  strictEqual(types[0], "waiting");
  ok(types.includes("accepted"));
  strictEqual(types.at(-1), "result");
  strictEqual((await attached).status, 200);
});

interface Line {
  readonly type: string;
  readonly plugin?: string;
  readonly event?: string;
  readonly waitedMs?: number;
  readonly problem?: Problem;
}

function linesOf(text: string): Line[] {
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("chains: a slow handler is named in the log, in the list of plugins and in the operation's trail", async () => {
  const said: string[] = [];
  const slow = pluginOf("slow", {
    "*": async () => {
      await new Promise((resolve) => setTimeout(resolve, 1050));
    },
  });
  await using site = await TestSite.start({
    modules: { slow },
    ctrl: registered({ slow: ["start_request", "register", "start"] }),
    log: createLog({
      format: "json",
      write: (line) => void said.push(line),
    }),
  });
  const { outcomes: [outcome] } = await site.run("start", "web");
  const id = outcome?.operation ?? "";
  const wanted = ["start_request", "register", "start"];
  await until("its trail names it for each", async () => {
    const { trail } = await site.operation(id);
    const texts = trail.filter(({ source }) => source === "plugin slow")
      .map(({ text }) => text);
    return wanted.every((event) =>
      texts.some((text) =>
        text.startsWith("took ") && text.endsWith(` s for ${event}`)
      )
    );
  });
  const { state } = await site.operation(id);
  strictEqual(state, "succeeded");
  const { body } = await site.call<{ plugins: PluginView[] }>(
    "GET",
    "/v1/plugins",
  );
  const view = body.plugins.find(({ name }) => name === "slow");
  for (
    const { event, calls, p50Ms, p99Ms, failures } of view?.registrations ?? []
  ) {
    ok(wanted.includes(event));
    strictEqual(calls, 1);
    strictEqual(failures, 0);
    ok((p50Ms ?? 0) > 900 && (p99Ms ?? 0) > 900, `${p50Ms} ${p99Ms}`);
  }
  for (const event of wanted) {
    ok(
      said.some((line) =>
        line.includes("a handler is slow") && line.includes(event)
      ),
      said.join(),
    );
  }
});

Deno.test("chains: a drain tells what a plugin refuses, and ends", async () => {
  const calm = pluginOf("calm", {
    migrate_request(_, ctx) {
      ctx.refuse("no moves in office hours");
    },
  });
  await using site = await TestSite.start({
    nodes: 2,
    modules: { calm },
    ctrl: registered({ calm: ["migrate_request"] }),
  });
  await site.run("start", "web", { on: "n1" });
  const drain = await site.call<NodeOperation>(
    "POST",
    "/v1/nodes/n1/drain",
    {},
  );
  const ended = await until("the drain has ended", async () => {
    const { body } = await site.call<NodeOperation>(
      "GET",
      `/v1/node-operations/${drain.body.id}`,
    );
    return body.state === "failed" ? body : null;
  });
  strictEqual(ended.failed, 1);
  match(JSON.stringify(ended.problem), /no moves in office hours/);
  strictEqual((await site.vm("web")).node, "n1");
});

Deno.test("chains: a drain that is cancelled while a plugin decides moves nothing any more", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const slow = pluginOf("slow", {
    async migrate_request() {
      asked.resolve();
      await gate.promise;
    },
  });
  await using site = await TestSite.start({
    nodes: 2,
    modules: { slow },
    ctrl: registered({ slow: ["migrate_request"] }),
  });
  await site.run("start", "web", { on: "n1" });
  const { body: { id } } = await site.call<NodeOperation>(
    "POST",
    "/v1/nodes/n1/drain",
    {},
  );
  await asked.promise;
  await site.call("POST", `/v1/node-operations/${id}/cancel`);
  await until("the drain has ended", async () => {
    const path = `/v1/node-operations/${id}`;
    const { body } = await site.call<NodeOperation>("GET", path);
    return body.state === "cancelled";
  });
  gate.resolve();
  const { body } = await site.call<{ operations: { verb: string }[] }>(
    "GET",
    "/v1/operations",
  );
  deepStrictEqual(body.operations.map(({ verb }) => verb), ["start"]);
  strictEqual((await site.vm("web")).node, "n1");
});

Deno.test("chains: handlers may file requests and fire events that they hear themselves, and nothing waits for itself", async () => {
  const seen: string[] = [];
  const note = (ctx: PluginContext) => void seen.push(ctx.event);
  const busy = pluginOf("busy", {
    async start_request([request], ctx) {
      note(ctx);
      const names = ["other.default.admin"];
      if (request.plugin === null) await ctx.request({ verb: "start", names });
      await ctx.fire("busy_rang", []);
    },
    busy_rang: (_args: unknown[], ctx: PluginContext) => note(ctx),
    start: (_, ctx) => note(ctx),
  }, {
    ctx: ["requests", "fire"],
    verbs: ["start"],
    events: { busy_rang: "it rang" },
  });
  const keen = pluginOf("keen", {
    async start_request([request], ctx) {
      const names = ["third.default.admin"];
      if (request.plugin !== "keen") {
        await ctx.request({ verb: "start", names });
      }
    },
  }, { ctx: ["requests"], verbs: ["start"] });
  await using site = await TestSite.start({
    modules: { busy, keen },
    ctrl: registered({
      busy: ["start_request", "busy_rang", "start"],
      keen: ["start_request"],
    }, { ctx: ["requests", "fire"], verbs: ["start"] }),
  });
  const { outcomes: [outcome] } = await site.run("start", "web");
  strictEqual(outcome?.state, "succeeded");
  await site.untilState("other.default.admin", "running");
  await site.untilState("third.default.admin", "running");
  await until(
    "it was told of all",
    () => seen.filter((event) => event === "start").length >= 3,
  );
  ok(seen.includes("busy_rang"));
});

Deno.test("chains: what a policy hides is neither listed, nor shown, nor watched", async () => {
  const veil = pluginOf("veil", {
    list_request: ([request]) => [{ ...request, filter: "name=web*" }],
    lnm_list_request: ([request]) => [{ ...request, names: ["n1"] }],
  });
  await using site = await TestSite.start({
    nodes: 2,
    modules: { veil },
    ctrl: registered({ veil: ["list_request", "lnm_list_request"] }),
  });
  await site.run("start", ["web", "db"]);
  const { body } = await site.call<{ vms: { name: string }[] }>(
    "GET",
    "/v1/vms",
  );
  deepStrictEqual(body.vms.map(({ name }) => name), ["web.default.admin"]);
  const hidden = await site.call<Problem>("GET", "/v1/vms/db");
  strictEqual(hidden.status, 404);
  const nodes = await site.call<{ nodes: { name: string }[] }>(
    "GET",
    "/v1/nodes",
  );
  deepStrictEqual(nodes.body.nodes.map(({ name }) => name), ["n1"]);
  strictEqual((await site.call("GET", "/v1/nodes/n2")).status, 404);
});
