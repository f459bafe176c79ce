/**
 * Plugins as a controller has them: from files, each in a process of its own.
 *
 * @module
 */
import { HostGroups } from "../../plugin/process/host_groups.ts";
import { HostPool } from "../../plugin/process/host_pool.ts";
import { ProcessRunner } from "../../plugin/process/process_runner.ts";
import type { Log } from "../../sys/log.ts";
import { processId, shippedPlugins } from "../../sys/machine.ts";
import { COMMIT, VERSION } from "../../version.ts";
import { PluginFiles } from "./files.ts";
import type { PluginHosting } from "./hosted.ts";
import type { ReadConfig } from "./set.ts";

/** Plugins in processes; the configuration of plugins is read anew for every set. */
export function pluginProcesses({ stateDir, readConfig, log }: {
  readonly stateDir: string;
  readonly readConfig: () => Promise<ReadConfig>;
  /** Told what holds plugins to their limits. */
  readonly log: Log;
}): PluginHosting {
  const pool = new HostPool();
  const groups = groupsOf(log);
  return {
    runner: (ports) => new ProcessRunner({ ...ports, groups }, pool),
    source: new PluginFiles({
      readConfig,
      shipped: shippedPlugins(),
      store: `${stateDir}/plugins`,
      pool,
      // From the sources the program may change without a name.
      usher: COMMIT === null ? null : `${VERSION} ${COMMIT}`,
      groups,
    }),
  };
}

/** The groups that this process may make, if any. */
function groupsOf(log: Log): HostGroups | undefined {
  const groups = HostGroups.open(processId());
  const isOurs = groups instanceof HostGroups;
  log.info(
    "limits of plugins",
    isOurs
      ? { lookedAt: ["memory", "cpu"], keptByKernel: groups.controllers }
      : { lookedAt: ["memory", "cpu"], keptByKernel: [], why: groups.why },
  );
  return isOurs ? groups : undefined;
}
