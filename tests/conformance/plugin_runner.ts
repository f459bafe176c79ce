/**
 * What every runner of handlers promises (`src/plugin/runner.ts`), by the
 * promises' numbers.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type {
  HandlerCall,
  HandlerRunner,
  LoadedPlugin,
  PluginLine,
  Registration,
  RunnerPorts,
  Snapshot,
} from "../../src/plugin/runner.ts";
import { Manifest, PluginConfig } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { manifest } from "../fixtures/plugins/promises/plugin.ts";
import { BENCH_SITE, BenchSite } from "../support/plugin_bench.ts";
import { until } from "../support/wait.ts";

/** Events of the fixture, in the order of their registrations. */
const EVENTS = [
  ...["echo", "nothing", "tools", "facts", "wrong", "circle", "refuse", "fail"],
  ...["reject", "slow", "aborted", "later", "begin", "ask", "stray", "say"],
  ...["loop", "big", "gate", "other", "may_use"],
];

/** A runner with the fixture, and what its plugin asked and said. */
export interface RunnerBench extends AsyncDisposable {
  readonly runner: HandlerRunner;
  readonly site: BenchSite;
  readonly lines: readonly PluginLine[];
  readonly plugin: LoadedPlugin;
  call(
    event: string,
    args?: readonly unknown[],
    more?: Partial<HandlerCall>,
  ): Promise<readonly unknown[] | null>;
}

/** The fixture as a plugin that was read. */
export function fixturePlugin(
  snapshot: Snapshot,
  config: unknown = {},
): LoadedPlugin {
  const registrations = EVENTS.map((event, id): Registration => ({
    id,
    plugin: manifest.name,
    event,
    order: null,
    options: { word: "given" },
    deadlineMs: null,
  }));
  return {
    name: manifest.name,
    snapshot,
    manifest: Manifest.parse(manifest),
    config: PluginConfig.parse(config),
    handles: [],
    registrations,
  };
}

/** Takes the fixture up in a runner made by `make`. */
export async function runnerBench(
  make: (ports: RunnerPorts) => HandlerRunner,
  plugin: LoadedPlugin,
): Promise<RunnerBench> {
  const site = new BenchSite();
  const lines: PluginLine[] = [];
  const runner = make({
    clock: systemClock,
    answerer: site,
    site: () => BENCH_SITE,
    heard: (line) => lines.push(line),
  });
  await runner.use([plugin]);
  let calls = 0;
  return {
    runner,
    site,
    lines,
    plugin,
    call: async (event, args = [], more = {}) => {
      const registration = plugin.registrations.find((one) =>
        one.event === event
      );
      if (registration === undefined) throw new Error(`No "${event}"`);
      const { args: back } = await runner.call({
        registration,
        event,
        args,
        decision: `decision-${++calls}`,
        operation: null,
        depth: 0,
        isReplay: false,
        deadlineMs: 5000,
        ...more,
      });
      return back;
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

/** The sockets at which workers of this machine met their controllers, which are no files any more. */
export async function workerSockets(): Promise<string[]> {
  const text = await Deno.readTextFile("/proc/net/unix");
  return [...text.matchAll(/\S+\/usher-worker-[^/\s]+\/socket$/gm)]
    .map(([path]) => path);
}

/** The suite, over runners that `open` makes. */
export function testRunner(
  name: string,
  open: () => Promise<RunnerBench>,
): void {
  Deno.test(`runner ${name} keeps its promises`, async (t) => {
    await using bench = await open();
    for (const [what, run] of PROMISES) {
      await t.step(what, () => run(bench));
    }
  });
}

const PROMISES: readonly (readonly [
  string,
  (bench: RunnerBench) => Promise<void>,
])[] = [
  ["is running once it has taken a plugin up", (bench) => {
    deepStrictEqual(bench.runner.status("promises")?.reason, "");
    strictEqual(bench.runner.status("promises")?.state, "running");
    strictEqual(bench.runner.status("nobody"), null);
    return Promise.resolve();
  }],
  [
    "1. ends a call at its deadline, and the next one is answered",
    async (bench) => {
      await rejects(bench.call("slow", [], { deadlineMs: 100 }), {
        code: "plugin_failed",
        message: 'Plugin "promises" failed on "slow": no answer within 100 ms',
      });
      deepStrictEqual(await bench.call("echo", [1]), [1]);
    },
  ],
  ["1. tells the handler that its time is over", async (bench) => {
    await rejects(bench.call("aborted", [], { deadlineMs: 100 }), {
      code: "plugin_failed",
    });
    await until(
      "the handler says so",
      () => bench.lines.some(({ text }) => text === "aborted"),
    );
  }],
  ["2. answers what the handler gave back, as JSON", async (bench) => {
    const value = [{ a: [1, null, "ä\u2028"] }, "b"];
    deepStrictEqual(await bench.call("echo", value), value);
    strictEqual(await bench.call("nothing", value), null);
    deepStrictEqual(await bench.call("echo", []), []);
  }],
  [
    "2. gives a handler its options, its event and what it keeps",
    async (bench) => {
      deepStrictEqual(await bench.call("tools"), ["GIVEN", "tools", 1]);
      deepStrictEqual(await bench.call("tools"), ["GIVEN", "tools", 2]);
      deepStrictEqual(await bench.call("other"), ["any other"]);
    },
  ],
  ["2. tells a handler what its call is about", async (bench) => {
    const facts = await bench.call("facts", [], {
      decision: "d",
      operation: "o",
      isReplay: true,
    });
    deepStrictEqual(facts, ["facts", "d", "o", true, BENCH_SITE.nameSuffix]);
  }],
  ["3. rejects with `refused` for a refusal", async (bench) => {
    await rejects(bench.call("refuse", ["20 at most."]), {
      code: "refused",
      message: 'Plugin "promises" refuses: 20 at most',
      details: { subject: "promises", hint: "ask ann" },
    });
  }],
  [
    "3. rejects with `plugin_failed` for all else, and says what and where",
    async (bench) => {
      await rejects(bench.call("fail", ["x is not y"]), {
        code: "plugin_failed",
        message:
          /^Plugin "promises" failed on "fail": TypeError: x is not y \(.*plugin\.ts:\d+:\d+\)$/,
      });
      await rejects(bench.call("reject"), {
        code: "plugin_failed",
        message: /it threw \{"odd":true\}/,
      });
      await rejects(bench.call("wrong"), {
        code: "plugin_failed",
        message: /it gave back a string/,
      });
      await rejects(bench.call("circle"), { code: "plugin_failed" });
    },
  ],
  [
    "4. what a handler asks after its call has ended is refused",
    async (bench) => {
      strictEqual(await bench.call("later"), null);
      await until(
        "the handler hears of it",
        () => bench.lines.some(({ text }) => text === "late: cancelled"),
      );
      strictEqual(bench.site.state.has("late"), false);
    },
  ],
  [
    "5. begins calls of one registration in the order in which they were made",
    async (bench) => {
      const numbers = Array.from({ length: 50 }, (_, number) => number);
      const answers = await Promise.all(
        numbers.map((number) => bench.call("begin", [number])),
      );
      deepStrictEqual((answers.at(-1) as number[][])[0], numbers);
    },
  ],
  ["answers what is asked, checked, in the name of the call", async (bench) => {
    bench.site.state.clear();
    deepStrictEqual(await bench.call("ask"), [
      [{ key: "seen", value: { event: "ask" } }],
      "invalid_input",
    ]);
  }],
  ["hears what the plugin logs, with its name and its event", async (bench) => {
    await bench.call("say");
    const line = await until(
      "it is said",
      () => bench.lines.find(({ event }) => event === "say"),
    );
    deepStrictEqual(line, {
      plugin: "promises",
      level: "warn",
      event: "say",
      text: "one two",
      fields: { three: 3 },
    });
  }],
  ["answers a thousand calls made at once", async (bench) => {
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, number) => bench.call("echo", [number])),
    );
    ok(answers.every((answer, number) => answer?.[0] === number));
  }],
  ["refuses calls once it has let go of the plugin", async (bench) => {
    await bench.runner.use([]);
    strictEqual(bench.runner.status("promises"), null);
    await bench.runner.use([bench.plugin]);
    deepStrictEqual(await bench.call("echo", [2]), [2]);
  }],
];
