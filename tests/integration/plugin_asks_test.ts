/**
 * What plugins ask of a real site: work in an operation, values and events
 * that outlive a controller, and what is recorded of all that.
 *
 * @module
 */
import assert from "node:assert/strict";
import { messageOf } from "../../src/error/mod.ts";
import type { PluginContext } from "../../src/plugin/api.ts";
import { readRecording } from "../../src/ctrl/recording/read.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

Deno.test("what a plugin asks for in an operation is a part of it, heard by others alone", async () => {
  const heard: string[] = [];
  const mover = pluginOf("mover", {
    async start([vm], ctx) {
      await ctx.request({ verb: "pause", names: [vm.name] });
    },
    pause_request: () => void heard.push("mover"),
  }, { ctx: ["requests"], verbs: ["pause"] });
  const guard = pluginOf("guard", {
    pause_request: ([{ user, plugin, role }]) =>
      void heard.push(`guard ${user} ${plugin} ${role}`),
  });
  await using site = await TestSite.start({
    modules: { mover, guard },
    ctrl: {
      plugins: {
        mover: {
          events: ["start", "pause_request"],
          grants: { ctx: ["requests"], verbs: ["pause"], vms: ["*.lab.*"] },
        },
        guard: { events: ["pause_request"] },
      },
    },
  });
  const { outcomes: [started] } = await site.run("start", "web.lab.ann");
  await site.untilState("web.lab.ann", "paused");
  const { body } = await site.call<{ operations: { parent: string }[] }>(
    "GET",
    `/v1/operations?filter=parent=${started?.operation}`,
  );
  assert.equal(body.operations.length, 1);
  const [child] = body.operations as unknown as {
    id: string;
    user: string;
    trail: { source: string; text: string }[];
  }[];
  assert.equal(child?.user, "plugin:mover");
  assert.equal(
    `${child?.trail[0]?.source}: ${child?.trail[0]?.text}`,
    `plugin mover: asked for pause in event start for operation ${started?.operation}`,
  );
  assert.deepEqual(heard, ["guard plugin:mover mover user"]);
  // What was not granted is refused there, and costs the start nothing.
  await site.run("start", "web.prod.ann");
  assert.equal((await site.vm("web.prod.ann")).status.state, "running");
});

Deno.test("plugins that answer each other's doing come to an end, which names the way there", async () => {
  const refusals: string[] = [];
  type Asks = PluginContext<unknown>;
  const file = async (verb: "pause" | "resume", name: string, ctx: Asks) => {
    await ctx.request({ verb, names: [name] }).catch((error) =>
      refusals.push(messageOf(error))
    );
  };
  const more = {
    ctx: ["requests" as const],
    verbs: ["pause" as const, "resume" as const],
  };
  const modules = {
    ping: pluginOf("ping", {
      pause: ([vm], ctx) => file("resume", vm.name, ctx),
    }, more),
    pong: pluginOf("pong", {
      resume: ([vm], ctx) => file("pause", vm.name, ctx),
    }, more),
  };
  const grants = { ctx: ["requests"], verbs: ["pause", "resume"] };
  await using site = await TestSite.start({
    modules,
    ctrl: {
      plugins: {
        ping: { events: ["pause"], grants },
        pong: { events: ["resume"], grants },
      },
    },
  });
  await site.run("start", "web");
  await site.run("pause", "web");
  await until("it ends", () => refusals.length > 0);
  assert.match(
    refusals[0] ?? "",
    /^Plugin "ping" may not ask for resume: 4 led to one another already \(ping in pause, then pong in resume, then ping in pause, then pong in resume, then ping in pause\)$/,
  );
  const { body } = await site.call<{ operations: { user: string }[] }>(
    "GET",
    "/v1/operations?filter=user=plugin:*",
  );
  assert.deepEqual(body.operations.map(({ user }) => user).sort(), [
    "plugin:ping",
    "plugin:ping",
    "plugin:pong",
    "plugin:pong",
  ]);
});

Deno.test("values, scheduled events and timers outlive the controller; what was asked is recorded", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_asks_" });
  const ticks: { args: unknown[]; decision: string }[] = [];
  let lives = 0;
  let timers = 0;
  const keeper = pluginOf("keeper", {
    async register([vm], ctx) {
      await ctx.state.set(`seen/${vm.name}`, { at: 1 });
      await ctx.schedule.at(10, "keeper_tick", [vm.name], "tick");
    },
    async keeper_tick(args, ctx) {
      const seen = await ctx.state.list("seen/");
      ticks.push({ args: [...args, seen], decision: ctx.decision });
      // The first controller ends before its handler does.
      if (lives === 1) await new Promise(() => {});
    },
    timer: () => void timers++,
  }, {
    ctx: ["state", "schedule"],
    events: { keeper_tick: "some time after a VM is known" },
  });
  const when = new Date(Date.now() + 3_600_000).toISOString();
  const options = {
    stateDir,
    modules: { keeper },
    ctrl: {
      plugins: {
        keeper: {
          events: [
            "register",
            "keeper_tick",
            { event: "timer", when: "+0s" },
            { event: "timer", when },
          ],
          grants: { ctx: ["state", "schedule"] },
        },
      },
    },
  };
  try {
    {
      lives = 1;
      await using site = await TestSite.start(options);
      await site.run("start", "web.lab.ann", { args: { note: "for tests" } });
      await until("the timer has fired", () => timers === 1);
      await until("it ticks", () => ticks.length === 1);
    }
    {
      lives = 2;
      await using _ = await TestSite.start(options);
      await until("it ticks again", () => ticks.length === 2);
      await until("each start has its timer", () => timers === 2);
    }
    const seen = [{ key: "seen/web.lab.ann", value: { at: 1 } }];
    const [first] = ticks;
    assert.deepEqual(first?.args, ["web.lab.ann", seen]);
    assert.deepEqual(ticks, [first, first]);
    const lines = await Array.fromAsync(
      readRecording(`${stateDir}/ctrl/events`, 0),
    );
    const events = lines.flatMap((line) =>
      line.type === "event" ? [`${line.event} ${line.answers.length}`] : []
    );
    // Nobody heard the request; reads and logins are not there.
    assert.deepEqual(
      new Set(events),
      new Set([
        "timer 1",
        "request 0",
        "start_request 0",
        "register 1",
        "keeper_tick 1",
      ]),
    );
    assert.doesNotMatch(JSON.stringify(lines), /password|"secret"/);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

Deno.test("what a plugin has kept is forgotten when it is told so, and no sooner", async () => {
  const lists: unknown[] = [];
  const keeper = pluginOf("keeper", {
    async register([vm], ctx) {
      lists.push(await ctx.state.list());
      await ctx.state.set(vm.name, 1);
      await ctx.schedule.at(3_600_000, "keeper_tick", []);
    },
  }, { ctx: ["state", "schedule"], events: { keeper_tick: "later" } });
  await using site = await TestSite.start({
    modules: { keeper },
    ctrl: {
      plugins: {
        keeper: {
          events: ["register"],
          grants: { ctx: ["state", "schedule"] },
        },
      },
    },
  });
  const call = async (verb: string, plugin = "keeper") =>
    await site.call("POST", `/v1/plugins/${plugin}/${verb}`);
  await site.run("start", "a.lab.ann");
  assert.equal((await call("forget")).status, 409);
  await call("disable");
  await call("enable");
  await site.run("start", "b.lab.ann");
  await call("disable");
  const { status, body } = await call("forget");
  assert.deepEqual([status, body], [200, {
    plugin: "keeper",
    values: 2,
    scheduled: 2,
  }]);
  await call("enable");
  await site.run("start", "c.lab.ann");
  assert.deepEqual(lists, [[], [{ key: "a.lab.ann", value: 1 }], []]);
  assert.equal((await call("forget", "nobody")).status, 404);
});
