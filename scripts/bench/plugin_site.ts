/**
 * Plugins in a site of the compiled executable: what they add to a start, to a
 * controller, and to the answers of one that has a hostile plugin.
 *
 * @module
 */
import {
  listPids,
  readOwnBytes,
  readProcess,
} from "../../src/sys/process_table.ts";
import { RolesSite } from "../../tests/support/roles_site.ts";
import { BareHosts } from "./bare_host.ts";
import { EXECUTABLE } from "./command.ts";
import { beside, median, quantile, type Row, time, timed } from "./row.ts";

const FIXTURES = decodeURIComponent(
  new URL("../../tests/fixtures", import.meta.url).pathname,
);
const STARTS = 40;
const WARM_STARTS = 1000;
const ROUNDS = 7;
const MANY = 20;
const SMALL = { memoryMiB: 16 };
const MIB = 1024 * 1024;

/** The figures that need a whole site. */
export async function benchPluginSite(): Promise<Row[]> {
  const dir = await Deno.makeTempDir({ prefix: "plugins_" });
  try {
    await writeEchoes(dir);
    return [
      ...await startWithThree(dir),
      ...await manyPlugins(dir),
      ...await hostile(),
    ];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The same plugin under many names. */
async function writeEchoes(dir: string): Promise<void> {
  const text = await Deno.readTextFile(`${FIXTURES}/bench/echo.ts`);
  for (let i = 0; i < MANY; i++) {
    await Deno.writeTextFile(
      `${dir}/echo${i}.ts`,
      text.replace('"echo"', `"echo${i}"`),
    );
  }
}

/** Lines of ctrl.yaml, where JSON is welcome. */
function linesOf(dir: string, plugins: Record<string, unknown>): string {
  return `plugin_dirs: ${JSON.stringify([dir])}\n` +
    `plugins: ${JSON.stringify(plugins)}\n`;
}

function echoes(dir: string, count: number): string {
  const events = ["start_request"];
  return linesOf(
    dir,
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`echo${i}`, { events }]),
    ),
  );
}

/** Two sites by turns: one whose chains are empty, and one with three in them. */
async function startWithThree(dir: string): Promise<Row[]> {
  await using bare = await RolesSite.start(EXECUTABLE, "sim");
  await using full = await RolesSite.start(
    EXECUTABLE,
    "sim",
    echoes(dir, 3),
  );
  let names = 0;
  const start = async (site: RolesSite) => {
    const vm = [`s${names++}`];
    const ms = await time(() =>
      site.request({ verb: "start", names: vm, spec: SMALL })
    );
    await site.request({ verb: "destroy", names: vm });
    return ms;
  };
  const measured = async (when: string): Promise<Row> => {
    const [without, withThree]: number[][] = [[], []];
    for (let i = 0; i < 2 * STARTS; i++) {
      without?.push(await start(bare));
      withThree?.push(await start(full));
    }
    const [value, floor] = [median(withThree ?? []), median(without ?? [])];
    const note = `adds ${(value - floor).toFixed(2)} ms; target < 2`;
    const name = `one start (sim) with three plugins in its chain, ${when}`;
    return beside({ name, value, unit: "ms", note }, "without", floor);
  };
  const warmUp = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await start(bare);
      await start(full);
    }
  };
  await warmUp(STARTS);
  const rows = [await measured(`after ${STARTS}`)];
  // Code gets fast as it runs, and a controller runs for months.
  await warmUp(WARM_STARTS);
  return [...rows, await measured(`after ${WARM_STARTS}`)];
}

/** A controller started without and with many, and as many bare processes, by turns. */
async function manyPlugins(dir: string): Promise<Row[]> {
  await using site = await RolesSite.start(EXECUTABLE, "sim");
  const [bare, full, memory, own]: number[][] = [[], [], [], []];
  const [hosts, hostMiB]: number[][] = [[], []];
  const start = async (count: number) => {
    await site.ctrl.end();
    await site.configure(echoes(dir, count));
    return await time(() => site.startCtrl());
  };
  for (let round = 0; round < ROUNDS; round++) {
    bare?.push(await start(0));
    full?.push(await start(MANY));
    own?.push(await site.ctrl.rssMiB());
    memory?.push(childrenMiB(site.ctrl.pid) / MANY);
    const began = performance.now();
    await using floor = await BareHosts.start(MANY);
    hosts?.push(performance.now() - began);
    hostMiB?.push(floor.ownMiB);
  }
  const name = `controller with ${MANY} plugins, start to serving`;
  const each = median(memory ?? []);
  const [without, processes] = [median(bare ?? []), median(hosts ?? [])];
  return [
    beside(
      { name, value: median(full ?? []), unit: "ms" },
      `without ${without.toFixed(0)}, and ${MANY} bare processes`,
      without + processes,
    ),
    beside(
      {
        name: `memory of a plugin's process, of ${MANY}`,
        ...{ value: each, unit: "MiB" },
        note: `${(each * MANY).toFixed(0)} MiB together, what they share ` +
          `not counted; RSS of their controller ${
            median(own ?? []).toFixed(0)
          } MiB`,
      },
      "bare process with an empty worker",
      median(hostMiB ?? []),
    ),
  ];
}

/** What the children of a process have to themselves. */
function childrenMiB(parent: number): number {
  return listPids()
    .filter((pid) => readProcess(pid)?.parent === parent)
    .reduce((sum, pid) => sum + (readOwnBytes(pid) ?? 0) / MIB, 0);
}

/** Which hostile plugins are tried. */
const HOSTILE = [
  "endless_loop",
  "huge_return",
  "large_return",
  "memory_bomb",
  "message_flood",
  "rejection_storm",
  "self_kill",
  "thousand_timers",
  "writes_stdout",
];
const READS = 1500;
/** Between two of those calls. */
const PACE_MS = 20;

/** The p99 of reads while a plugin is called again and again, beside that without. */
async function hostile(): Promise<Row[]> {
  const plugins = Object.fromEntries(HOSTILE.map((name) => [name, {
    ...{ enabled: false, grants: { ctx: ["vms"] } },
    events: [{ event: "pause_request", deadline: "1s" }],
  }]));
  await using site = await RolesSite.start(
    EXECUTABLE,
    "sim",
    linesOf(`${FIXTURES}/hostile`, plugins),
  );
  await site.request({ verb: "start", names: ["target"], spec: SMALL });
  const read = () => site.call("GET", "/v1/vms");
  await timed(READS, read);
  const rows: Row[] = [];
  for (const name of HOSTILE) {
    // The same requests with and without the plugin that they run into.
    using _calls = keepCalling(site);
    const before = await timed(READS, read);
    await site.call("POST", `/v1/plugins/${name}/enable`);
    const during = await timed(READS, read);
    await site.call("POST", `/v1/plugins/${name}/disable`);
    const note = "target < 1.5 times, and < 50 ms";
    rows.push(beside(
      {
        name: `p99 of reads while ${name} does its worst`,
        ...{ value: quantile(during, 0.99), unit: "ms", note },
      },
      "without it",
      quantile(before, 0.99),
    ));
  }
  return rows;
}

/** Requests, one after another, that run into the plugin. */
function keepCalling(site: RolesSite): Disposable {
  let isOver = false;
  void (async () => {
    while (!isOver) {
      await site.call("POST", "/v1/requests?follow=1", {
        ...{ verb: "pause", names: ["target"] },
      }).catch(() => {});
      await new Promise((done) => setTimeout(done, PACE_MS));
    }
  })();
  return { [Symbol.dispose]: () => void (isOver = true) };
}
