/**
 * Calls of handlers in processes of their own, beside a bare echo through a
 * process and a worker; and how many events a chain of three keeps up with.
 *
 * @module
 */
import { Chains } from "../../src/plugin/chain/chains.ts";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import type { LoadedPlugin } from "../../src/plugin/runner.ts";
import { Manifest, PluginConfig } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { silentLog } from "../../src/sys/log.ts";
import { BENCH_SITE, BenchSite } from "../../tests/support/plugin_bench.ts";
import { BareEcho } from "./bare_echo.ts";
import { beside, median, quantile, type Row, timed } from "./row.ts";

const FOLDER = decodeURIComponent(
  new URL("../../tests/fixtures/bench", import.meta.url).pathname,
);
const WARM_UP = 3000;
const CALLS = 5000;
const ROUNDS = 5;
const CHAIN = 3;
const RATE = 5000;
const SECONDS = 4;

/** As much JSON as a VM. */
const VALUE = {
  ...{ name: "web-1.lab.ann", uid: "01JD0000000000000000000000" },
  ...{ state: "running", node: "n1", driver: "sim", generation: 3 },
  spec: { vcpus: 2, memoryMiB: 512, labels: { tier: "front", stage: "test" } },
  args: { mirror: "yes" },
};
const EVENT = "bench_event";

/** One call, and a stream of events. */
export async function benchCalls(): Promise<Row[]> {
  return [...await oneCall(), await stream()];
}

function runner(): ProcessRunner {
  return new ProcessRunner({
    clock: systemClock,
    answerer: new BenchSite(),
    site: () => BENCH_SITE,
    heard: () => {},
  });
}

function plugins(count: number): LoadedPlugin[] {
  return Array.from({ length: count }, (_, id) => ({
    name: `echo${id}`,
    snapshot: {
      ...{ source: FOLDER, hash: `${id}`, folder: FOLDER, entry: "echo.ts" },
    },
    manifest: Manifest.parse({ name: `echo${id}`, version: "1", api: 1 }),
    config: PluginConfig.parse({ limits: { memory: "1GiB", cpu: 64 } }),
    handles: ["*"],
    registrations: [{
      ...{ id, plugin: `echo${id}`, event: EVENT, order: id },
      ...{ options: {}, deadlineMs: 5000 },
    }],
  }));
}

/** Rounds of the two by turns, so that a busy moment of the machine is in both. */
async function oneCall(): Promise<Row[]> {
  await using echo = await BareEcho.start();
  await using processes = runner();
  const [plugin] = plugins(1);
  const registration = plugin?.registrations[0];
  if (plugin === undefined || registration === undefined) return [];
  await processes.use([plugin]);
  const line = new TextEncoder().encode(`${JSON.stringify(VALUE)}\n`);
  const call = (i: number) =>
    processes.call({
      ...{ registration, event: EVENT, args: [VALUE], decision: `${i}` },
      ...{ operation: null, depth: 0, isReplay: false, deadlineMs: 5000 },
    });
  await timed(WARM_UP, call);
  await timed(WARM_UP, () => echo.call(line));
  const [ours, bare]: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    bare?.push(...await timed(CALLS / ROUNDS, () => echo.call(line)));
    ours?.push(...await timed(CALLS / ROUNDS, call));
  }
  const row = (share: number, note: string) =>
    beside(
      {
        name: `one handler call, p${share * 100}, ${line.length} bytes of JSON`,
        value: quantile(ours ?? [], share),
        unit: "ms",
        note,
      },
      "echo by socket and worker",
      quantile(bare ?? [], share),
    );
  return [row(0.5, "target < 0.25"), row(0.99, "")];
}

/** Events by a clock, as many as are to be kept up with: how late the last ones are. */
async function stream(): Promise<Row> {
  await using processes = runner();
  const chains = new Chains({
    ...{ runner: processes, clock: systemClock, log: silentLog },
  });
  await chains.replace(plugins(CHAIN));
  let told = 0;
  let late = 0;
  const lags: number[] = [];
  const fire = async (i: number, due: number) => {
    await chains.fire(EVENT, [VALUE], { decision: `${i}`, lane: `vm${i}` });
    const lag = performance.now() - due;
    lags.push(lag);
    if (lag > 1000) late++;
    told++;
  };
  await Promise.all(Array.from({ length: WARM_UP }, (_, i) => fire(-i - 1, 0)));
  lags.length = told = late = 0;
  const began = performance.now();
  const pending: Promise<void>[] = [];
  for (let sent = 0; sent < RATE * SECONDS;) {
    const due = (performance.now() - began) / 1000 * RATE;
    for (; sent < due && sent < RATE * SECONDS; sent++) {
      pending.push(fire(sent, began + sent / RATE * 1000));
    }
    await new Promise((done) => setTimeout(done, 2));
  }
  await Promise.all(pending);
  const seconds = (performance.now() - began) / 1000;
  return {
    name: `${RATE} events/s through ${CHAIN} plugins, for ${SECONDS} s`,
    value: told / seconds,
    unit: "1/s",
    note: `p50 ${median(lags).toFixed(1)} ms, p99 ${
      quantile(lags, 0.99).toFixed(0)
    } ms, ${late} later than 1 s`,
  };
}
