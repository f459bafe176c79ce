/**
 * Plugins that were imported, run in this very process: for simulations, where
 * a seed decides everything, and for tests. Nothing holds them off.
 *
 * @module
 */
import { nowhere } from "../../plugin/files/mistake.ts";
import {
  definitionOf,
  handledBy,
  type PluginModule,
} from "../../plugin/process/instance.ts";
import { LocalRunner } from "../../plugin/local_runner.ts";
import { registerAll } from "../../plugin/files/registrations.ts";
import {
  Manifest,
  type PluginConfig,
  PluginConfigs,
} from "../../schema/plugin.ts";
import type { PluginHosting } from "./hosted.ts";
import {
  isEnabled,
  type KnownPlugin,
  type PluginSet,
  type ReadingPorts,
  type Switches,
} from "./set.ts";

/** Plugins by name, as `import()` gives them. */
export type Modules = Readonly<Record<string, PluginModule>>;

type Configs = Readonly<Record<string, PluginConfig>>;

/** Hosts `modules` as `plugins` of a ctrl.yaml says; `users` alone when that is absent. */
export function hostInProcess(
  modules: Modules,
  plugins?: unknown,
): PluginHosting {
  const configs: Configs = PluginConfigs.parse(plugins);
  return {
    runner: (ports) => new LocalRunner(ports, modules),
    source: {
      read: (switches, ports) =>
        Promise.resolve(setOf(modules, configs, switches, ports)),
    },
  };
}

function setOf(
  modules: Modules,
  configs: Configs,
  switches: Switches,
  { clock, isKnownTimer }: ReadingPorts,
): PluginSet {
  const all = Object.entries(configs).map(([name, config]) => {
    const module = modules[name] ?? {};
    const manifest = Manifest.parse(module.manifest);
    const snapshot = {
      source: `in process: ${name}`,
      hash: `${name}-${manifest.version}`,
      folder: "",
      entry: "",
    };
    const definition = definitionOf(module, { event: "*", order: null });
    return { name, snapshot, manifest, config, handles: handledBy(definition) };
  });
  const read = all.filter(({ name, config }) =>
    isEnabled(name, config, switches)
  );
  const plugins = registerAll(read, {
    locate: nowhere,
    now: clock.now(),
    isKnownTimer,
  });
  const known = all.map(({ name, manifest, config, snapshot }): [
    string,
    KnownPlugin,
  ] => [name, {
    name,
    source: snapshot.source,
    hash: snapshot.hash,
    manifest,
    config,
    optionsSchema: null,
    problem: "",
  }]);
  return { plugins, known: new Map(known), warnings: [] };
}
