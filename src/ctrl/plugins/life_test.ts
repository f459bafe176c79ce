/**
 * The life of plugins over a runner whose handlers are functions, and a source
 * that a test fills.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { openLife as open } from "../../../tests/support/open_life.ts";
import { fakePlugin } from "../../../tests/support/fake_runner.ts";
import { UsherError } from "../../error/mod.ts";
import type { Chains } from "../../plugin/chain/chains.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import type { FailingStore } from "../../store/failing_store.ts";
import { LogRing } from "./log_ring.ts";
import {
  isEnabled,
  type KnownPlugin,
  type PluginSet,
  type Switches,
} from "./set.ts";

/** Plugins as files would have them; those without events are only there. */
class FakeSource {
  plugins: readonly LoadedPlugin[] = [];
  problem: UsherError | null = null;

  readShadow(live: LoadedPlugin, path: string): Promise<LoadedPlugin> {
    const snapshot = { ...live.snapshot, source: path, hash: "next" };
    return Promise.resolve({ ...live, snapshot });
  }

  read(switches: Switches): Promise<PluginSet> {
    if (this.problem !== null) return Promise.reject(this.problem);
    const known = this.plugins.map((plugin): [string, KnownPlugin] => [
      plugin.name,
      {
        name: plugin.name,
        source: plugin.snapshot.source,
        hash: plugin.snapshot.hash,
        manifest: plugin.manifest,
        config: plugin.registrations.length === 0 ? null : plugin.config,
        optionsSchema: null,
        problem: "",
      },
    ]);
    return Promise.resolve({
      plugins: this.plugins.filter(({ name, config, registrations }) =>
        registrations.length > 0 && isEnabled(name, config, switches)
      ),
      known: new Map(known),
      warnings: [],
    });
  }
}

async function openLife(
  plugins: readonly LoadedPlugin[],
  store?: FailingStore,
) {
  const source = new FakeSource();
  source.plugins = plugins;
  const clock = new FakeClock();
  return { source, ...await open({ source, clock, store }) };
}

const names = (chains: Chains) =>
  chains.plugins.map(({ name, snapshot }) => `${name}@${snapshot.hash}`);

Deno.test("PluginLife: a reload takes all that is new, and says what has changed", async () => {
  const a = fakePlugin("a", ["register"], "a1");
  const { life, source, chains } = await openLife([
    a,
    fakePlugin("b", ["register"], "b1"),
    fakePlugin("z", [], "z1"),
  ]);
  deepStrictEqual(
    life.list().map(({ name, state }) => `${name} ${state}`),
    ["a running", "b running", "z available"],
  );
  source.plugins = [
    { ...a },
    fakePlugin("b", ["register"], "b2"),
    fakePlugin("c", ["start"], "c1"),
  ];
  const { changes } = await life.reload(false, "ann");
  deepStrictEqual(
    changes.map(({ name, change, from, to }) => [name, change, from, to]),
    [
      ["a", "same", "a1", "a1"],
      ["b", "changed", "b1", "b2"],
      ["c", "added", null, "c1"],
    ],
  );
  deepStrictEqual(names(chains), ["a@a1", "b@b2", "c@c1"]);
});

Deno.test("PluginLife: what is wrong with a reload leaves everything as it was", async () => {
  const { life, source, chains, runner, served } = await openLife([
    fakePlugin("a", ["register"], "a1"),
  ]);
  source.problem = new UsherError("invalid_input", "ctrl.yaml:3:1: x");
  await rejects(life.reload(false, "ann"), /ctrl\.yaml:3:1/);
  source.problem = null;
  source.plugins = [
    fakePlugin("a", ["register"], "a2"),
    fakePlugin("b", ["register"], "b1"),
  ];
  runner.broken.add("b");
  await rejects(life.reload(false, "ann"), (error: UsherError) => {
    strictEqual(error.code, "plugin_failed");
    match(
      error.message,
      /^Plugin "b" \(\/plugins\/b\.ts\) does not start: it hangs$/,
    );
    return true;
  });
  deepStrictEqual(names(chains), ["a@a1"]);
  deepStrictEqual(runner.uses.at(-1), ["a@a1"], "what was started was ended");
  deepStrictEqual(served, [["a"]], "the broken set was never served");
  strictEqual(life.show("a").hash, "a1");
});

Deno.test("PluginLife: a check starts what is new, and changes nothing", async () => {
  const { life, source, chains, runner } = await openLife([
    fakePlugin("a", ["register"], "a1"),
  ]);
  source.plugins = [];
  const { changes } = await life.reload(true, "ann");
  deepStrictEqual(changes.map(({ change }) => change), ["removed"]);
  deepStrictEqual(names(chains), ["a@a1"]);
  source.plugins = [fakePlugin("b", ["register"], "b1")];
  runner.broken.add("b");
  await rejects(life.reload(true, "ann"), /"b" .* does not start/);
  deepStrictEqual(runner.uses.at(-1), ["a@a1"], "what was tried was ended");
});

Deno.test("PluginLife: what was turned off stays off after a restart, and says who did it", async () => {
  const plugins = [fakePlugin("a", ["register"]), fakePlugin("b", ["start"])];
  const { life, chains, open } = await openLife(plugins);
  const off = await life.turn("a", false, "ann");
  deepStrictEqual([off.state, off.switched?.by], ["disabled", "ann"]);
  deepStrictEqual(chains.plugins.map(({ name }) => name), ["b"]);
  const again = await open();
  strictEqual(again.show("a").state, "disabled");
  const on = await again.turn("a", true, "bob");
  deepStrictEqual([on.state, on.switched?.by], ["running", "bob"]);
});

Deno.test("PluginLife: one is turned off also when another is broken, and a broken one is not turned on", async () => {
  const plugins = [fakePlugin("a", ["register"]), fakePlugin("b", ["start"])];
  const { life, source, chains } = await openLife(plugins);
  source.problem = new UsherError("invalid_input", "ctrl.yaml:3:1: x");
  strictEqual((await life.turn("a", false, "ann")).state, "disabled");
  deepStrictEqual(chains.plugins.map(({ name }) => name), ["b"]);
  await rejects(life.turn("a", true, "ann"), /ctrl\.yaml:3:1/);
  strictEqual(life.show("a").state, "disabled");
});

Deno.test("PluginLife: what cannot be made durable is not done", async () => {
  const { life, chains, store } = await openLife([fakePlugin("a", ["start"])]);
  store.fail();
  await rejects(life.turn("a", false, "ann"));
  strictEqual(life.show("a").state, "running");
  deepStrictEqual(chains.plugins.map(({ name }) => name), ["a"]);
});

Deno.test("PluginLife: one that is not there, or not configured, is named with what to do", async () => {
  const { life } = await openLife([
    fakePlugin("users", ["register"]),
    fakePlugin("z", []),
  ]);
  await rejects(life.turn("user", true, "ann"), (error: UsherError) => {
    strictEqual(error.code, "not_found");
    strictEqual(error.details.hint, 'did you mean "users"?');
    return true;
  });
  await rejects(life.turn("z", true, "ann"), /not in the configuration/);
});

Deno.test("PluginLife: a version runs beside a plugin until its time is up, it is ended, or plugins are read anew", async () => {
  const plugins = [fakePlugin("a", ["register"]), fakePlugin("b", ["start"])];
  const { life, shadows, clock, up } = await openLife(plugins);
  const begun = await life.shadow("a", { path: "/next/a.ts" }, "ann");
  strictEqual(begun.shadow?.until, null);
  await life.shadow("b", { path: "/next/b.ts", forMs: 5000 }, "ann");
  strictEqual(shadows.current.length, 2);
  await clock.advance(4999);
  deepStrictEqual(up, []);
  await clock.advance(1);
  deepStrictEqual(up, ["b"]);
  const { compared } = await life.endShadow("b", "its time is up");
  strictEqual(compared, 0);
  strictEqual(life.show("b").shadow, null);
  await rejects(life.endShadow("b", "ann"), {
    code: "wrong_state",
    message: 'Nothing runs beside plugin "b"',
  });
  await life.reload(false, "ann");
  strictEqual(life.show("a").shadow, null);
  shadows[Symbol.dispose]();
});

Deno.test("LogRing: keeps the newest lines of each plugin, and follows new ones", async () => {
  const ring = new LogRing(1, 3);
  const line = (text: string) =>
    ring.add("a", { at: "", level: "info", event: null, text, fields: {} });
  for (let i = 0; i < 100; i++) line(`${i}`);
  ring.add("b", { at: "", level: "info", event: null, text: "b", fields: {} });
  deepStrictEqual(ring.newest("a", 10).map(({ text }) => text), [
    "97",
    "98",
    "99",
  ]);
  deepStrictEqual(ring.newest("b", 10).map(({ text }) => text), ["b"]);
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { text } of ring.follow("a", { limit: 1 }, stop.signal)) {
      seen.push(text);
      if (text === "99") line("new");
      if (text === "new") stop.abort();
    }
  })();
  await following;
  deepStrictEqual(seen, ["99", "new"]);
  const [last] = ring.newest("a", 1);
  const resumed: string[] = [];
  const again = new AbortController();
  line("newer");
  const from = { after: last?.number ?? 0 };
  for await (const { text } of ring.follow("a", from, again.signal)) {
    resumed.push(text);
    again.abort();
  }
  deepStrictEqual(resumed, ["newer"]);
});
