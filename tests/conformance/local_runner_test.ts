import { LocalRunner } from "../../src/plugin/local_runner.ts";
import * as fixture from "../fixtures/plugins/promises/plugin.ts";
import { fixturePlugin, runnerBench, testRunner } from "./plugin_runner.ts";

testRunner("in this process", () =>
  runnerBench(
    (ports) => new LocalRunner(ports, { promises: fixture }),
    fixturePlugin({ source: "here", hash: "", folder: "", entry: "" }),
  ));
