/**
 * Chains that go on after a crash or a restart: who has answered is not asked
 * again, and what has begun ends with the versions that it began with.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import {
  type FakeHandler,
  fakePlugin,
  FakeRunner,
} from "../../../tests/support/fake_runner.ts";
import { aVm, startRequest } from "../../../tests/support/plugin_values.ts";
import { until } from "../../../tests/support/wait.ts";
import { isUsherError } from "../../error/mod.ts";
import type { KeptAnswer } from "../../schema/stored.ts";
import { Vm } from "../../schema/vm.ts";
import { silentLog } from "../../sys/log.ts";
import type { Answers } from "../answers.ts";
import type { Firing } from "../events.ts";
import type { LoadedPlugin } from "../runner.ts";
import { Chains } from "./chains.ts";

const FIRING: Firing = { decision: "request-1" };

const VM = Vm.parse(aVm("web.lab.ann"));

const REQUEST = startRequest(["web.lab.ann"]);

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

/** Answers as a controller keeps them, over its death. */
function answersOf(kept: KeptAnswer[]): Answers {
  return {
    of: (event, handler) =>
      kept.find((one) => one.event === event && one.handler === handler),
    keep: (answer) => void kept.push(JSON.parse(JSON.stringify(answer))),
  };
}

Deno.test("decide() asks nobody again who has answered, and comes to the same", async () => {
  const kept: KeptAnswer[] = [];
  const plugins = [
    fakePlugin("a", ["start_request"]),
    fakePlugin("b", ["start_request"]),
  ];
  const gate = Promise.withResolvers<void>();
  const first = await chainsOf(plugins, {
    a: adds("by", "a"),
    b: () => gate.promise,
  });
  void first.chains.decide("start_request", [REQUEST], {
    ...FIRING,
    answers: answersOf(kept),
  });
  await until("b is asked", () => first.runner.calls.length === 2);
  const second = await chainsOf(plugins, { b: adds("too", "b") });
  const { args, plugins: took, shares } = await second.chains.decide(
    "start_request",
    [REQUEST],
    { ...FIRING, answers: answersOf(kept) },
  );
  deepStrictEqual(args[0].args, { by: "a", too: "b" });
  deepStrictEqual(Object.keys(took), ["a", "b"]);
  deepStrictEqual(shares[0]?.changed, ['set args.by to "a"']);
  deepStrictEqual(
    second.runner.calls.map(({ decision }) => decision),
    [first.runner.calls[1]?.decision],
  );
});

Deno.test("tell() passes over again who failed before a crash, and asks anew whose answer does not fit any more", async () => {
  const kept: KeptAnswer[] = [];
  const plugins = [fakePlugin("a", ["start"]), fakePlugin("b", ["start"])];
  const first = await chainsOf(plugins, {
    a: () => Promise.reject(new Error("no luck")),
  });
  await first.chains.tell("start", [VM], {
    decision: "o1",
    answers: answersOf(kept),
  });
  deepStrictEqual(kept.map(({ problem }) => problem?.code ?? null), [
    "plugin_failed",
    null,
  ]);
  const second = await chainsOf(plugins);
  const spoiled = kept.map((one) =>
    one.handler === "b#0"
      ? { ...one, edits: [{ kind: "new" as const, value: 1 }] }
      : one
  );
  await second.chains.tell("start", [VM], {
    decision: "o1",
    answers: answersOf(spoiled),
  });
  deepStrictEqual(
    second.runner.calls.map(({ registration }) => registration.plugin),
    ["b"],
  );
});

Deno.test("tell() says who was slow, and who failed slowly", async () => {
  const { chains, clock } = await chainsOf([
    fakePlugin("slow", ["start"]),
    fakePlugin("late", [{ event: "start", deadline: 3000 }]),
  ], {
    slow: async () => await clock.sleep(2000),
    late: async () => {
      await clock.sleep(3000);
      throw new Error("no luck");
    },
  });
  const told = chains.tell("start", [VM], { decision: "o1" });
  await clock.advance(2000);
  await clock.advance(3000);
  deepStrictEqual(
    (await told).map(({ source, text }) => `${source} ${text}`),
    [
      "plugin slow took 2.0 s for start",
      "plugin late failed at start after 3.0 s",
    ],
  );
});

/** Chains after a restart: operations began with `hash-1` of plugin `p`, and `hash-2` is registered. */
async function restarted(
  recall: (plugin: string, hash: string) => Promise<LoadedPlugin | null>,
) {
  const clock = new FakeClock();
  const runner = new FakeRunner();
  const needed = new Set(["hash-1"]);
  const chains = new Chains({
    runner,
    clock,
    log: silentLog,
    frozen: () => ({ p: "hash-1", q: "hash-of-q" }),
    needed: () => needed,
    recall,
  });
  await chains.replace([
    fakePlugin("p", ["start", "start_request"], "hash-2"),
    fakePlugin("q", ["start"]),
  ]);
  return { chains, runner, clock, needed };
}

const OF_OPERATION: Firing = { decision: "o1/start", operation: "o1" };

Deno.test("after a restart an operation goes on with the version that it began with, which ends when nothing needs it", async () => {
  const asked: string[] = [];
  const { chains, runner, clock, needed } = await restarted((plugin, hash) => {
    asked.push(`${plugin}@${hash}`);
    return Promise.resolve(fakePlugin(plugin, ["start"], hash));
  });
  await Promise.all([
    chains.tell("start", [VM], OF_OPERATION),
    chains.tell("start", [VM], OF_OPERATION),
  ]);
  deepStrictEqual(asked, ["p@hash-1"]);
  deepStrictEqual(runner.uses.at(-1), [
    "p@hash-2",
    "q@hash-of-q",
    "p@hash-1",
  ]);
  strictEqual(runner.calls.length, 4);
  // What is new goes to the version of now.
  await chains.tell("start", [VM], { decision: "other" });
  const newest = runner.calls.at(-2)?.registration;
  ok(chains.plugins[0]?.registrations.includes(newest!));
  needed.clear();
  await clock.advance(10_000);
  await until(
    "the older version has ended",
    () => runner.uses.at(-1)?.length === 2,
  );
  chains[Symbol.dispose]();
});

Deno.test("a version that is gone: what is decided is refused, what is told passes it over and says so", async () => {
  const { chains, runner } = await restarted(() => Promise.resolve(null));
  const trail = await chains.tell("start", [VM], OF_OPERATION);
  deepStrictEqual(
    runner.calls.map(({ registration }) => registration.plugin),
    ["q"],
  );
  deepStrictEqual(trail.map(({ source, text }) => `${source} ${text}`), [
    "plugin p is not told of start: the version that this began with is gone",
  ]);
  await rejects(
    chains.decide("start_request", [REQUEST], {
      decision: "r1",
      versions: { p: "hash-1" },
    }),
    (error) =>
      isUsherError(error, "plugin_failed") && /"p"/.test(error.message),
  );
  chains[Symbol.dispose]();
});
