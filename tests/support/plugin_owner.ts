/**
 * A process that runs one plugin and waits, to be killed by a test: says the
 * plugin's process id, and nothing more.
 *
 * @module
 */
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { fixturePlugin } from "../conformance/plugin_runner.ts";
import { BENCH_SITE, BenchSite } from "./plugin_bench.ts";

const [folder = ""] = Deno.args;
const runner = new ProcessRunner({
  clock: systemClock,
  answerer: new BenchSite(),
  site: () => BENCH_SITE,
  heard() {},
});
await runner.use([
  fixturePlugin({ source: folder, hash: "1", folder, entry: "plugin.ts" }),
]);
console.log(runner.status("promises")?.pid);
setInterval(() => {}, 1000);
