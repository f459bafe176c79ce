/**
 * Processes of plugins that are killed, stopped, stuck or left alone: the call
 * that was under way fails with the plugin's name, and the next is answered.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import { MAX_ENDS } from "../../src/plugin/process/supervision.ts";
import {
  BUILT_IN,
  type LoadedPlugin,
  type Snapshot,
} from "../../src/plugin/runner.ts";
import {
  isFrozen,
  readLiving,
  readProcess,
} from "../../src/sys/process_table.ts";
import {
  fixturePlugin,
  type RunnerBench,
  runnerBench,
} from "../conformance/plugin_runner.ts";
import { PluginFolder, pluginText } from "../support/plugin_folder.ts";
import { until } from "../support/wait.ts";

const fixture = decodeURIComponent(
  new URL("../fixtures/plugins/promises", import.meta.url).pathname,
);
const snapshot: Snapshot = {
  source: fixture,
  hash: "1",
  folder: fixture,
  entry: "plugin.ts",
};

function open(plugin: LoadedPlugin): Promise<RunnerBench> {
  return runnerBench((ports) => new ProcessRunner(ports), plugin);
}

function pidOf({ runner }: RunnerBench, name = "promises"): number {
  const pid = runner.status(name)?.pid ?? null;
  ok(pid !== null);
  return pid;
}

/** Kills the process once the handler "gate" has begun in it. */
async function killAtGate(bench: RunnerBench): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.site.onAsk = () => {
    resolve();
    return new Promise(() => {});
  };
  await promise;
  const pid = pidOf(bench);
  Deno.kill(pid, "SIGKILL");
  await until("it is gone", () => bench.runner.status("promises")?.pid !== pid);
}

Deno.test("a plugin's process is killed: what it had under way is called again in another", async () => {
  await using bench = await open(fixturePlugin(snapshot));
  const call = bench.call("gate", [], { deadlineMs: 30_000 });
  await killAtGate(bench);
  bench.site.onAsk = () => Promise.resolve("again");
  deepStrictEqual(await call, ["again"]);
  strictEqual(bench.runner.status("promises")?.restarts, 1);
});

Deno.test("a plugin's process is killed twice over a call: the call fails, and the next is answered", async () => {
  await using bench = await open(fixturePlugin(snapshot));
  const call = bench.call("gate", [], { deadlineMs: 30_000 });
  const failed = rejects(call, {
    code: "plugin_failed",
    message:
      'Plugin "promises" failed on "gate": its process ended with signal SIGKILL',
  });
  await killAtGate(bench);
  await killAtGate(bench);
  await failed;
  bench.site.onAsk = undefined;
  deepStrictEqual(await bench.call("echo", [2]), [2]);
});

Deno.test("a plugin's process is stopped: its call is late, and it is replaced", async () => {
  await using bench = await open(fixturePlugin(snapshot));
  const id = readProcess(pidOf(bench));
  ok(id !== null);
  Deno.kill(id.pid, "SIGSTOP");
  await until("it stands still", () => isFrozen(id));
  await rejects(bench.call("echo", [1], { deadlineMs: 200 }), {
    code: "plugin_failed",
    message: /no answer within 200 ms/,
  });
  await until("it is replaced", () => readLiving(id) === null);
  deepStrictEqual(await bench.call("echo", [2], { deadlineMs: 20_000 }), [2]);
});

Deno.test("a handler that never yields: its call is late, its worker replaced, its process goes on", async () => {
  await using bench = await open(fixturePlugin(snapshot));
  const pid = pidOf(bench);
  await rejects(bench.call("loop", [], { deadlineMs: 200 }), {
    code: "plugin_failed",
    message: /no answer within 200 ms/,
  });
  deepStrictEqual(await bench.call("echo", [2], { deadlineMs: 20_000 }), [2]);
  strictEqual(pidOf(bench), pid);
  ok(bench.lines.some(({ text }) => /does not yield/.test(text)));
});

Deno.test("a handler that gives back too much: its call fails and says how much may be", async () => {
  await using bench = await open(
    fixturePlugin(snapshot, { limits: { message: "1MiB" } }),
  );
  await rejects(bench.call("big", [2_000_000]), {
    code: "plugin_failed",
    message: /it gave back 1\.9 MiB, and 1\.0 MiB is the most/,
  });
  deepStrictEqual(await bench.call("echo", [2]), [2]);
});

Deno.test("errors that nobody waits for are said with the plugin's name, and it goes on", async () => {
  await using bench = await open(fixturePlugin(snapshot));
  await bench.call("stray");
  await until("both are said", () => {
    const texts = bench.lines.map(({ plugin, text }) => `${plugin}: ${text}`);
    return ["waits", "calls"].every((word) =>
      texts.some((text) =>
        text.startsWith(`promises: Unhandled: nobody ${word}`)
      )
    );
  });
  deepStrictEqual(await bench.call("echo", [2]), [2]);
  strictEqual(bench.runner.status("promises")?.restarts, 0);
});

Deno.test("a plugin whose process dies again and again is given up, until it is taken up anew", async () => {
  const plugin = fixturePlugin(snapshot);
  await using bench = await open(plugin);
  for (let ends = 0; ends < MAX_ENDS; ends++) {
    const pid = await until("it runs", () => {
      const status = bench.runner.status("promises");
      return status?.state === "running" && status.pid;
    }, { deadlineMs: 30_000 });
    Deno.kill(Number(pid), "SIGKILL");
    await until(
      "it is over",
      () => bench.runner.status("promises")?.state !== "running",
    );
  }
  await until(
    "it is given up",
    () => bench.runner.status("promises")?.state === "failed",
  );
  await rejects(bench.call("echo", [1]), {
    code: "plugin_failed",
    message: /its process ended with signal SIGKILL; it has ended too often/,
  });
  strictEqual(
    bench.runner.status("promises")?.reason,
    "its process ended with signal SIGKILL; it has ended too often, and is started again when plugins are reloaded",
  );
  await bench.runner.use([plugin]);
  deepStrictEqual(await bench.call("echo", [1]), [1]);
});

Deno.test("the controller is killed: the processes of its plugins end", async () => {
  const owner = new URL("../support/plugin_owner.ts", import.meta.url);
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", owner.pathname, fixture],
    stdout: "piped",
    stdin: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const id = readProcess(Number(new TextDecoder().decode(value)));
  ok(id !== null);
  child.kill("SIGKILL");
  await until("its plugin has ended", () => readLiving(id) === null);
  await reader.cancel();
});

/** Two plugins that ship, as far as the runner can tell. */
async function shipped(folder: PluginFolder): Promise<LoadedPlugin[]> {
  await folder.write({
    "one.ts": pluginText("one", "echo: (args) => args, loop() { for (;;); }"),
    "two.ts": pluginText("two", "echo: (args) => args"),
  });
  return await Promise.all(["one", "two"].map(async (name) => {
    const plugin = fixturePlugin({
      ...await folder.snapshot(`${name}.ts`),
      source: BUILT_IN,
    });
    return {
      ...plugin,
      name,
      manifest: { ...plugin.manifest, name },
      registrations: ["echo", "loop"].map((event, id) => ({
        id: id + (name === "one" ? 0 : 10),
        plugin: name,
        event,
        order: null,
        options: {},
        deadlineMs: null,
      })),
    };
  }));
}

Deno.test("plugins that ship share a process: one that is stuck leaves the other alone, and its death both", async () => {
  await using folder = await PluginFolder.make();
  const plugins = await shipped(folder);
  await using bench = await open(fixturePlugin(snapshot));
  const { runner } = bench;
  await runner.use(plugins);
  const call = (name: string, event: string, deadlineMs = 20_000) => {
    const registration = plugins.flatMap((one) => one.registrations)
      .find((one) => one.plugin === name && one.event === event);
    return runner.call({
      registration: registration!,
      event,
      args: [name],
      decision: "d",
      operation: null,
      depth: 0,
      isReplay: false,
      deadlineMs,
    });
  };
  const pid = pidOf(bench, "one");
  strictEqual(pidOf(bench, "two"), pid);
  const stuck = rejects(call("one", "loop", 200), { code: "plugin_failed" });
  deepStrictEqual((await call("two", "echo")).args, ["two"]);
  await stuck;
  deepStrictEqual((await call("one", "echo")).args, ["one"]);
  strictEqual(runner.status("two")?.restarts, 0);
  Deno.kill(pid, "SIGKILL");
  await until(
    "both have heard",
    () => ["one", "two"].every((name) => runner.status(name)?.pid !== pid),
  );
  deepStrictEqual((await call("one", "echo")).args, ["one"]);
  deepStrictEqual((await call("two", "echo")).args, ["two"]);
  strictEqual(pidOf(bench, "two"), pidOf(bench, "one"));
});

Deno.test("a worker sees of the environment what it asks and is granted", async () => {
  Deno.env.set("USHER_TEST_WORD", "word");
  Deno.env.set("USHER_TEST_OTHER", "other");
  await using folder = await PluginFolder.make();
  await folder.write({
    "promises.ts": pluginText(
      "promises",
      `"*": () => {
        const names = ["USHER_TEST_WORD", "USHER_TEST_OTHER", "PATH"];
        return names.map((name) => {
          try { return Deno.env.get(name) ?? null; } catch (error) { return error.name; }
        });
      }`,
    ),
  });
  const plugin = fixturePlugin(
    await folder.snapshot("promises.ts"),
    { grants: { env: ["USHER_TEST_*"] } },
  );
  const asking = (env: string[]) => ({
    ...plugin,
    manifest: { ...plugin.manifest, permissions: { env } },
    registrations: plugin.registrations.map((one) => ({ ...one, options: {} })),
  });
  await using bench = await open(asking(["USHER_TEST_WORD", "PATH"]));
  const refused = "NotCapable";
  deepStrictEqual(
    await bench.call("echo"),
    ["word", refused, refused],
  );
});
