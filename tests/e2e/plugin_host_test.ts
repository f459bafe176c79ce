/**
 * Plugins in processes of the compiled executable, which has another runtime
 * than the one that these tests run on: from TypeScript on disk to an answer.
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { findPlugins, type PluginPlace } from "../../src/plugin/files/find.ts";
import { PluginReader } from "../../src/plugin/files/read.ts";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import { takeSnapshot } from "../../src/plugin/files/snapshot.ts";
import { PluginLimits } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import {
  fixturePlugin,
  runnerBench,
  testRunner,
  workerSockets,
} from "../conformance/plugin_runner.ts";
import { compiledUsher } from "../support/compiled.ts";
import { PluginFolder } from "../support/plugin_folder.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);
const FIXTURE: PluginPlace = {
  name: "promises",
  source: `${ROOT}tests/fixtures/plugins/promises`,
  root: `${ROOT}tests/fixtures/plugins/promises`,
  entry: "plugin.ts",
  isFile: false,
};

const program = [await compiledUsher()] as const;
const folder = await PluginFolder.make();
const snapshot = await takeSnapshot(FIXTURE, folder.store);

testRunner("with processes of the executable", () =>
  runnerBench(
    (ports) => new ProcessRunner({ ...ports, program }),
    fixturePlugin(snapshot),
  ));

Deno.test("the executable ends a worker that does not yield, and starts it anew", async () => {
  await using bench = await runnerBench(
    (ports) => new ProcessRunner({ ...ports, program }),
    fixturePlugin(snapshot),
  );
  await rejects(bench.call("loop", [], { deadlineMs: 200 }), {
    code: "plugin_failed",
  });
  const answer = await bench.call("echo", [2], { deadlineMs: 20_000 });
  deepStrictEqual(answer, [2]);
  strictEqual(bench.runner.status("promises")?.restarts, 1);
});

Deno.test("in the executable a worker gives back what it was lent to connect to the controller", async () => {
  await using bench = await runnerBench(
    (ports) => new ProcessRunner({ ...ports, program }),
    fixturePlugin(snapshot),
  );
  const sockets = await workerSockets();
  ok(sockets.length > 0);
  for (const path of sockets) {
    deepStrictEqual(await bench.call("may_use", [path]), ["prompt", "prompt"]);
  }
});

Deno.test("the executable reads each plugin that ships, as one file", async () => {
  const bundle = `${ROOT}dist/bundle/plugins`;
  const found = await findPlugins({ shipped: bundle, dirs: [] });
  const sources = await findPlugins({ shipped: `${ROOT}plugins`, dirs: [] });
  deepStrictEqual([...found.keys()].sort(), [...sources.keys()].sort());
  await using reader = new PluginReader({
    clock: systemClock,
    program,
    heard: ({ text }) => ok(false, text),
  });
  const names = await Promise.all(
    [...found.values()].map(async (place) => {
      const { manifest } = await reader.read({
        name: place.name,
        snapshot: await takeSnapshot(place, folder.store),
        registrations: [],
        limits: PluginLimits.parse({}),
      });
      return manifest.name;
    }),
  );
  deepStrictEqual(names, [...found.keys()]);
});

Deno.test("usher plugin-host is nothing for people", async () => {
  const { code, stderr } = await new Deno.Command(program[0], {
    args: ["plugin-host"],
    stdin: "null",
  }).output();
  strictEqual(code, 64);
  match(new TextDecoder().decode(stderr), /is started by the controller alone/);
});

Deno.test.afterAll(() => folder[Symbol.asyncDispose]());
