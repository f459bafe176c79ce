/**
 * Plugins as a controller has them: from files, each in a process of its own.
 *
 * @module
 */
import { HostPool } from "../../plugin/process/host_pool.ts";
import { ProcessRunner } from "../../plugin/process/process_runner.ts";
import { shippedPlugins } from "../../sys/machine.ts";
import { COMMIT, VERSION } from "../../version.ts";
import { PluginFiles } from "./files.ts";
import type { PluginHosting } from "./hosted.ts";
import type { ReadConfig } from "./set.ts";

/** Plugins in processes; the configuration of plugins is read anew for every set. */
export function pluginProcesses({ stateDir, readConfig }: {
  readonly stateDir: string;
  readonly readConfig: () => Promise<ReadConfig>;
}): PluginHosting {
  const pool = new HostPool();
  return {
    runner: (ports) => new ProcessRunner(ports, pool),
    source: new PluginFiles({
      readConfig,
      shipped: shippedPlugins(),
      store: `${stateDir}/plugins`,
      pool,
      // From the sources the program may change without a name.
      usher: COMMIT === null ? null : `${VERSION} ${COMMIT}`,
    }),
  };
}
