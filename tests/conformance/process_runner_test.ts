import { ProcessRunner } from "../../src/plugin/process_runner.ts";
import { fixturePlugin, runnerBench, testRunner } from "./plugin_runner.ts";

const folder =
  new URL("../fixtures/plugins/promises", import.meta.url).pathname;

testRunner("with processes", () =>
  runnerBench(
    (ports) => new ProcessRunner(ports),
    fixturePlugin({ source: folder, hash: "1", folder, entry: "plugin.ts" }),
  ));
