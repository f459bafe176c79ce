/**
 * Chains over a runner whose handlers are functions.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { isUsherError } from "../../error/mod.ts";
import { Vm } from "../../schema/vm.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import {
  type FakeHandler,
  fakePlugin,
  FakeRunner,
} from "../../../tests/support/fake_runner.ts";
import { aVm, startRequest } from "../../../tests/support/plugin_values.ts";
import { createLog, silentLog } from "../../sys/log.ts";
import { Chains } from "./chains.ts";
import { firedBy, type Firing } from "../events.ts";
import { refusedBy } from "../failure.ts";
import { askingOf } from "../ask_check.ts";
import type { LoadedPlugin } from "../runner.ts";

const FIRING: Firing = { decision: "request-1" };

const VM = Vm.parse(aVm("web.lab.ann"));

async function chainsOf(
  plugins: readonly LoadedPlugin[],
  handlers: Record<string, FakeHandler> = {},
) {
  const clock = new FakeClock();
  const runner = new FakeRunner(handlers);
  const chains = new Chains({ runner, clock, log: silentLog });
  await chains.replace(plugins);
  return { chains, runner, clock };
}

/** A handler that says something of the request in its arguments. */
function adds(key: string, value: string): FakeHandler {
  return ([request]) => {
    const { args, ...rest } = request as { args: Record<string, string> };
    return [{ ...rest, args: { ...args, [key]: value } }];
  };
}

const REQUEST = startRequest(["web.lab.ann"]);

Deno.test("passedOver() is counted for its registration alone, and goes on over a reload", async () => {
  const a = fakePlugin("a", ["periodic", "periodic"]);
  const { chains } = await chainsOf([a]);
  const [, second] = a.registrations;
  ok(second !== undefined);
  chains.passedOver(second);
  const again = fakePlugin("a", ["periodic", "periodic"], "a2");
  await chains.replace([again]);
  const [, fresh] = again.registrations;
  ok(fresh !== undefined);
  chains.passedOver(fresh);
  deepStrictEqual(
    chains.views("a").map(({ skipped, lastSkippedAt }) => [
      skipped,
      lastSkippedAt !== null,
    ]),
    [[0, false], [2, true]],
  );
});

Deno.test("decide() calls handlers by their order, those without one last, each with what the last one gave back", async () => {
  const { chains, runner } = await chainsOf([
    fakePlugin("a", ["start_request"]),
    fakePlugin("b", [{ event: "start_request", order: 10 }]),
    fakePlugin("c", [{ event: "start_request", order: -1 }, "start_request"]),
  ], { b: adds("by", "b"), c: adds("by", "c") });
  const { args, plugins } = await chains.decide(
    "start_request",
    [REQUEST],
    FIRING,
  );
  const order = runner.calls.map(({ registration }) => registration.plugin);
  deepStrictEqual(order, ["c", "b", "a", "c"]);
  strictEqual(args[0].args.by, "c");
  deepStrictEqual(Object.keys(plugins), ["c", "b", "a"]);
  deepStrictEqual(runner.calls.map(({ decision }) => decision), [
    "request-1/start_request/c#0",
    "request-1/start_request/b#0",
    "request-1/start_request/a#0",
    "request-1/start_request/c#1",
  ]);
});

Deno.test("decide() tells in its trail who changed what, and who was slow", async () => {
  const { chains, clock } = await chainsOf([
    fakePlugin("kwargfil", ["start_request"]),
    fakePlugin("slow", ["start_request"]),
  ], {
    kwargfil: ([request]) => [{
      ...request as object,
      spec: { memoryMiB: 512 },
    }],
    slow: async () => {
      await clock.sleep(3200);
    },
  });
  const decided = chains.decide("start_request", [REQUEST], FIRING);
  await clock.advance(3000);
  const { plugin, event, sinceMs } = chains.waitingFor("request-1") ?? {};
  deepStrictEqual([plugin, event, sinceMs], ["slow", "start_request", 0]);
  await clock.advance(300);
  const { trail } = await decided;
  deepStrictEqual(trail.map(({ source, text }) => `${source} ${text}`), [
    "plugin kwargfil set spec.memoryMiB to 512",
    "plugin slow took 3.2 s for start_request",
  ]);
  strictEqual(chains.waitingFor("request-1"), null);
});

const BROKEN: readonly (readonly [string, FakeHandler, RegExp])[] = [
  ["throws", () => Promise.reject(new Error("no luck")), /no luck/],
  ["gives no list", () => ({}), /no list of arguments/],
  ["gives another type", () => ["what"], /answer is wrong/],
  ["gives too many", ([one]) => [one, one], /answer is wrong/],
  ["misspells a key", ([r]) => [{ ...r as object, naems: [] }], /naems/],
  ["changes who asks", ([r]) => [{ ...r as object, user: "root" }], /"user"/],
  ["changes the role", ([r]) => [{ ...r as object, role: "admin" }], /"role"/],
  ["changes the verb", ([r]) => [{ ...r as object, verb: "destroy" }], /verb/],
  ["changes the VMs", ([r]) => [{ ...r as object, vms: [] }], /"vms"/],
  [
    "pollutes a prototype",
    ([r]) => [{ ...r as object, args: JSON.parse('{"__proto__":{"a":"b"}}') }],
    /__proto__/,
  ],
  [
    "gives a function",
    ([r]) => [{ ...r as object, args: () => 1 }],
    /function/,
  ],
  ["gives a class", ([r]) => [{ ...r as object, args: new Map() }], /class/],
  ["goes too deep", () => deep(100), /nested/],
];

function deep(levels: number): unknown {
  return levels === 0 ? [] : [deep(levels - 1)];
}

for (const [what, broken, why] of BROKEN) {
  Deno.test(`decide() refuses when a handler ${what}, and names it`, async () => {
    const { chains, runner } = await chainsOf([
      fakePlugin("bad", ["start_request"]),
      fakePlugin("next", ["start_request"]),
    ], { bad: broken });
    await rejects(
      chains.decide("start_request", [REQUEST], FIRING),
      (error: Error) => {
        ok(isUsherError(error, "plugin_failed"));
        match(error.message, /Plugin "bad"/);
        match(error.message, why);
        return true;
      },
    );
    strictEqual(runner.calls.length, 1);
    const [view] = chains.views("bad");
    deepStrictEqual([view?.calls, view?.failures], [1, 1]);
    match(view?.lastError ?? "", why);
  });
}

Deno.test("tell() goes on with what was before when a handler gives another VM's data, and counts it", async () => {
  const other = { ...VM, uid: "01J00000000000000000000000" };
  const seen: unknown[] = [];
  const { chains } = await chainsOf([
    fakePlugin("bad", ["start"]),
    fakePlugin("next", ["start"]),
  ], { bad: () => [other], next: ([vm]) => void seen.push(vm) });
  await chains.tell("start", [VM], { decision: "d" });
  deepStrictEqual(seen, [VM]);
  strictEqual(chains.views("bad")[0]?.failures, 1);
  strictEqual(chains.views("next")[0]?.failures, 0);
});

Deno.test("decide() passes over the plugins that are excepted, and calls one registration alone when asked to", async () => {
  const two = fakePlugin("b", ["start_request", "start_request"]);
  const { chains, runner } = await chainsOf([
    fakePlugin("a", ["start_request"]),
    two,
  ]);
  await chains.decide("start_request", [REQUEST], { ...FIRING, except: ["b"] });
  const only = two.registrations[1]?.id ?? 0;
  await chains.decide("start_request", [REQUEST], { ...FIRING, only });
  deepStrictEqual(runner.calls.map(({ decision }) => decision), [
    "request-1/start_request/a#0",
    "request-1/start_request/b#1",
  ]);
});

Deno.test("decide() uses a registration's own deadline, and the event's when there is none", async () => {
  const { chains, runner } = await chainsOf([
    fakePlugin("a", ["start_request", "start"]),
    fakePlugin("b", [{ event: "start_request", deadline: 123 }]),
  ]);
  await chains.decide("start_request", [REQUEST], FIRING);
  await chains.tell("start", [VM], FIRING);
  const deadlines = runner.calls.map(({ deadlineMs }) => deadlineMs);
  deepStrictEqual(deadlines, [5000, 123, 30_000]);
});

Deno.test("decide() ends although the runner never answers", async () => {
  const { chains, clock } = await chainsOf([
    fakePlugin("a", [{ event: "start_request", deadline: 1000 }]),
  ], { a: () => new Promise(() => {}) });
  const decided = chains.decide("start_request", [REQUEST], FIRING);
  const failed = rejects(decided, /Plugin "a".*does not answer/);
  await clock.advance(6000);
  await failed;
});

Deno.test("decide() is given up when its signal aborts, while the handler goes on", async () => {
  const { chains } = await chainsOf([
    fakePlugin("a", ["start_request"]),
  ], { a: () => new Promise(() => {}) });
  const gone = new AbortController();
  const firing = { ...FIRING, signal: gone.signal };
  const decided = chains.decide("start_request", [REQUEST], firing);
  gone.abort(new DOMException("nobody waits", "AbortError"));
  await rejects(decided, /nobody waits/);
  strictEqual(chains.waitingFor("request-1"), null);
});

Deno.test("tell() keeps the order within a lane, also past a slow handler, and lets other lanes pass", async () => {
  const heard: string[] = [];
  const first = Promise.withResolvers<void>();
  const { chains } = await chainsOf([
    fakePlugin("a", ["register", "start", "unregister"]),
    fakePlugin("b", ["state_change"]),
  ], {
    a: async (_, { event, decision }) => {
      if (decision.startsWith("1/")) await first.promise;
      heard.push(`${decision.split("/")[0]} ${event}`);
    },
    b: (_, { decision }) => void heard.push(`${decision.split("/")[0]} b`),
  });
  const all = [
    chains.tell("register", [VM], { decision: "1", lane: "x" }),
    chains.tell("start", [VM], { decision: "2", lane: "x" }),
    // Another plugin need not wait for the slow one.
    chains.tell("state_change", [VM], { decision: "3", lane: "x" }),
    chains.tell("start", [VM], { decision: "4", lane: "y" }),
  ];
  await Promise.all(all.slice(2));
  deepStrictEqual(heard.sort(), ["3 b", "4 start"]);
  first.resolve();
  await Promise.all(all);
  deepStrictEqual(heard.slice(2), ["1 register", "2 start"]);
});

Deno.test("tell() asks a handler that fails again and again no more, and decide() then refuses at once", async () => {
  const { chains, runner, clock } = await chainsOf([
    fakePlugin("bad", ["start", "start_request"]),
    fakePlugin("good", ["start"]),
  ], { bad: () => Promise.reject(new Error("always")) });
  for (let i = 0; i < 20; i++) await chains.tell("start", [VM], FIRING);
  const calls = () =>
    runner.calls.filter(({ registration }) => registration.plugin === "bad")
      .length;
  strictEqual(calls(), 5);
  strictEqual(runner.calls.length - calls(), 20);
  strictEqual(chains.views("bad")[0]?.circuit, "open");
  for (let i = 0; i < 6; i++) {
    await rejects(chains.decide("start_request", [REQUEST], FIRING));
  }
  strictEqual(calls(), 10);
  await rejects(
    chains.decide("start_request", [REQUEST], FIRING),
    /circuit is open/,
  );
  await clock.advance(60_000);
  await chains.tell("start", [VM], FIRING);
  strictEqual(calls(), 11);
});

Deno.test("a refusal is an answer: it opens no circuit", async () => {
  const { chains } = await chainsOf([fakePlugin("strict", ["start_request"])], {
    strict: () => {
      throw refusal();
    },
  });
  for (let i = 0; i < 20; i++) {
    await rejects(
      chains.decide("start_request", [REQUEST], FIRING),
      (error: Error) => isUsherError(error, "refused"),
    );
  }
  const [view] = chains.views("strict");
  deepStrictEqual(
    [view?.refusals, view?.failures, view?.circuit],
    [20, 0, "closed"],
  );
});

function refusal() {
  return refusedBy("strict", "not today", null);
}

Deno.test("a slow handler is named in the log once a minute, and one that is asked no more once", async () => {
  const lines: string[] = [];
  const log = createLog({ format: "json", write: (line) => lines.push(line) });
  const clock = new FakeClock();
  const runner = new FakeRunner({
    slow: () => clock.sleep(2000),
    bad: () => Promise.reject(new Error("no luck")),
  });
  const chains = new Chains({ runner, clock, log });
  await chains.replace([
    fakePlugin("slow", ["start"]),
    fakePlugin("bad", ["start"]),
  ]);
  const told = async () => {
    const telling = chains.tell("start", [VM], FIRING);
    await clock.advance(2000);
    await telling;
  };
  for (let i = 0; i < 6; i++) await told();
  const said = () =>
    lines.map((line) => JSON.parse(line)).map(({ message, plugin }) =>
      `${plugin}: ${message}`
    );
  const expected = [
    "slow: a handler is slow",
    "bad: a handler is not asked any more for a while: it fails",
  ];
  deepStrictEqual(said(), expected);
  await clock.advance(60_000);
  await told();
  strictEqual(said()[2], "slow: a handler is slow");
  match(lines[1] ?? "", /no luck/);
});

Deno.test("replace() lets a firing that has begun end with the plugins it began with", async () => {
  const old = [
    fakePlugin("a", ["start_request"], "a1"),
    fakePlugin("b", ["start_request"], "b1"),
  ];
  const hold = Promise.withResolvers<void>();
  const { chains, runner } = await chainsOf(old, {
    "a@a1": () => hold.promise,
    "b@b1": adds("by", "b1"),
    "b@b2": adds("by", "b2"),
  });
  const decided = chains.decide("start_request", [REQUEST], FIRING);
  await chains.replace([fakePlugin("b", ["start_request"], "b2")]);
  const after = await chains.decide("start_request", [REQUEST], FIRING);
  strictEqual(after.args[0].args.by, "b2");
  hold.resolve();
  const before = await decided;
  strictEqual(before.args[0].args.by, "b1");
  deepStrictEqual(before.plugins, { a: "a1", b: "b1" });
  deepStrictEqual(runner.uses, [
    ["a@a1", "b@b1"],
    ["a@a1", "b@b1"],
    ["b@b2", "a@a1", "b@b1"],
    ["b@b2", "a@a1", "b@b1"],
  ]);
});

Deno.test("replace() keeps a version that an operation began with until that has ended", async () => {
  const clock = new FakeClock();
  const heard: string[] = [];
  const runner = new FakeRunner({
    "a@a1": () => void heard.push("a1"),
    "a@a2": () => void heard.push("a2"),
  });
  let needed = new Set(["a1"]);
  const chains = new Chains({
    runner,
    clock,
    log: silentLog,
    frozen: (operation) => operation === "begun" ? { a: "a1" } : undefined,
    needed: () => needed,
  });
  await chains.replace([fakePlugin("a", ["start"], "a1")]);
  await chains.replace([fakePlugin("a", ["start"], "a2")]);
  await chains.tell("start", [VM], { decision: "1", operation: "begun" });
  await chains.tell("start", [VM], { decision: "2", operation: "later" });
  deepStrictEqual(heard, ["a1", "a2"]);
  deepStrictEqual(runner.uses.at(-1), ["a@a2", "a@a1"]);
  needed = new Set();
  await clock.advance(2000);
  await chains.tell("start", [VM], { decision: "3", operation: "begun" });
  await clock.advance(0);
  deepStrictEqual(runner.uses.at(-1), ["a@a2"]);
});

Deno.test("replace() changes nothing when the runner cannot take the plugins", async () => {
  const { chains, runner } = await chainsOf([fakePlugin("a", ["start"])]);
  runner.use = () => Promise.reject(new Error("cannot"));
  await rejects(chains.replace([fakePlugin("b", ["start"])]), /cannot/);
  deepStrictEqual(chains.plugins.map(({ name }) => name), ["a"]);
  ok(chains.isHeard("start"));
});

Deno.test("prepare() starts plugins beside those that are called, and abandon() ends them", async () => {
  const { chains, runner } = await chainsOf([fakePlugin("a", ["start"], "a1")]);
  const next = fakePlugin("a", ["start"], "a2");
  await chains.prepare([next]);
  await chains.tell("start", [VM], FIRING);
  deepStrictEqual(runner.uses.at(-1), ["a@a2", "a@a1"]);
  strictEqual(
    runner.calls.at(-1)?.registration.id,
    chains.plugins[0]?.registrations[0]?.id,
  );
  await chains.abandon();
  deepStrictEqual(runner.uses.at(-1), ["a@a1"]);
});

Deno.test("fire() reaches handlers of the plugin that fires, also from within them, and names a circle", async () => {
  const seen: string[] = [];
  const errors: string[] = [];
  const { chains } = await chainsOf([
    fakePlugin("a", ["start", "ping", "pong"]),
  ], {
    a: async (_, call) => {
      seen.push(call.event);
      const next = { start: "ping", ping: "pong", pong: "ping" }[call.event];
      const firing = firedBy(askingOf(call), 1);
      await chains.fire(next ?? "", [], firing).catch((error) =>
        errors.push(error.message)
      );
    },
  });
  await chains.tell("start", [VM], FIRING);
  deepStrictEqual(seen, ["start", "ping", "pong"]);
  deepStrictEqual(errors, [
    'Events fire one another in a circle: "start" fires "ping" fires "pong" fires "ping"',
  ]);
});

Deno.test("fire() refuses what is no JSON, and a handler's answer of another kind", async () => {
  const { chains } = await chainsOf([fakePlugin("a", ["ping"])], {
    a: () => [7],
  });
  await rejects(chains.fire("ping", [() => 1], FIRING), /a function/);
  await chains.fire("ping", ["text"], FIRING);
  match(
    chains.views("a")[0]?.lastError ?? "",
    /of kind number, and was string/,
  );
});
