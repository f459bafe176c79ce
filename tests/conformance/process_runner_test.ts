import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import { until } from "../support/wait.ts";
import {
  fixturePlugin,
  runnerBench,
  testRunner,
  workerSockets,
} from "./plugin_runner.ts";

const folder =
  new URL("../fixtures/plugins/promises", import.meta.url).pathname;

testRunner("with processes", () =>
  runnerBench(
    (ports) => new ProcessRunner(ports),
    fixturePlugin({ source: folder, hash: "1", folder, entry: "plugin.ts" }),
  ));

Deno.test("runner with processes: an older version is called beside the newest, until it is let go of", async () => {
  const at = { source: folder, folder, entry: "plugin.ts" };
  const older = fixturePlugin({ ...at, hash: "1" });
  await using bench = await runnerBench(
    (ports) => new ProcessRunner(ports),
    older,
  );
  const { runner } = bench;
  const before = runner.status(older.name)?.pid;
  const newest = fixturePlugin({ ...at, hash: "2" });
  await runner.use([newest, older]);
  const now = runner.status(older.name);
  match(`${now?.state} ${now?.pid}`, /^running \d+$/);
  strictEqual(
    now?.pid === before,
    false,
    "the newest has a process of its own",
  );
  for (const plugin of [older, newest]) {
    const [registration] = plugin.registrations;
    if (registration === undefined) throw new Error("nothing is registered");
    const { args } = await runner.call({
      registration,
      event: "echo",
      args: [plugin.snapshot.hash],
      decision: "d",
      operation: null,
      depth: 0,
      isReplay: false,
      deadlineMs: 5000,
    });
    strictEqual(args?.[0], plugin.snapshot.hash);
  }
  await runner.use([newest]);
  strictEqual(runner.status(older.name)?.pid, now?.pid, "it goes on as it is");
});

Deno.test("runner with processes: what is used no more ends as soon as its last call has ended", async () => {
  const at = { source: folder, folder, entry: "plugin.ts" };
  const older = fixturePlugin({ ...at, hash: "1" });
  let processes: ProcessRunner | undefined;
  await using bench = await runnerBench(
    (ports) => processes = new ProcessRunner(ports),
    older,
  );
  const count = () => processes?.processes().length;
  const call = rejects(bench.call("slow", [], { deadlineMs: 1500 }), /1500 ms/);
  const newest = fixturePlugin({ ...at, hash: "2" });
  await bench.runner.use([newest]);
  strictEqual(count(), 2, "a call of the older one is under way");
  await call;
  await until("the older one has ended", () => count() === 1);
  await bench.runner.use([fixturePlugin({ ...at, hash: "3" })]);
  await until("the one without calls has ended", () => count() === 1);
});

Deno.test("runner with processes: asks beyond their rate wait their turn, and are refused once that is too long", async () => {
  const at = { source: folder, hash: "1", folder, entry: "plugin.ts" };
  await using bench = await runnerBench(
    (ports) => new ProcessRunner(ports),
    fixturePlugin(at, { limits: { rate: 20 } }),
  );
  bench.site.state.set("gate", "open");
  const ask = (count: number) =>
    Promise.allSettled(
      Array.from({ length: count }, () => bench.call("gate")),
    );
  const few = await ask(40);
  strictEqual(few.filter(({ status }) => status === "fulfilled").length, 40);
  const many = await ask(200);
  const refused = many.flatMap((one) =>
    one.status === "rejected" ? [String(one.reason)] : []
  );
  strictEqual(refused.length > 100 && refused.length < 200, true);
  match(refused[0] ?? "", /"state.get" is asked too often/);
});

Deno.test("runner with processes: a worker gives back what it was lent to connect to the controller", async () => {
  await using bench = await runnerBench(
    (ports) => new ProcessRunner(ports),
    fixturePlugin({
      ...{ source: folder, hash: "1" },
      ...{ folder, entry: "plugin.ts" },
    }),
  );
  const sockets = await workerSockets();
  ok(sockets.length > 0);
  for (const path of sockets) {
    deepStrictEqual(await bench.call("may_use", [path]), ["prompt", "prompt"]);
  }
});

Deno.test("runner with processes: a plugin that may use the folder of all sockets keeps that", async () => {
  const at = { source: folder, hash: "1", folder, entry: "plugin.ts" };
  const grants = { read: ["/tmp"], write: ["/tmp"] };
  const plugin = fixturePlugin(at, { grants });
  await using bench = await runnerBench(
    (ports) => new ProcessRunner(ports),
    { ...plugin, manifest: { ...plugin.manifest, permissions: grants } },
  );
  deepStrictEqual(await bench.call("may_use", ["/tmp/a"]), [
    "granted",
    "granted",
  ]);
});
