/**
 * Plugins in the process of a test: real ones that were imported, and those
 * that a test writes as a few handlers.
 *
 * @module
 */
import type { PluginHosting } from "../../src/ctrl/plugins/hosted.ts";
import {
  isEnabled,
  type KnownPlugin,
  type Switches,
} from "../../src/ctrl/plugins/set.ts";
import type { Handlers } from "../../src/plugin/api.ts";
import {
  definitionOf,
  handledBy,
  type PluginModule,
} from "../../src/plugin/instance.ts";
import { nowhere } from "../../src/plugin/mistake.ts";
import { LocalRunner } from "../../src/plugin/local_runner.ts";
import { registerAll } from "../../src/plugin/registrations.ts";
import {
  Manifest,
  type ManifestInput,
  PluginConfigs,
} from "../../src/schema/plugin.ts";
import * as users from "../../plugins/users.ts";

/** Plugins by name, as `import()` gives them. */
export type Modules = Readonly<Record<string, PluginModule>>;

/** A plugin that is these handlers. */
export function pluginOf(
  name: string,
  // deno-lint-ignore no-explicit-any -- options of any shape
  handlers: Handlers<any>,
  more: Partial<ManifestInput> = {},
): PluginModule {
  return {
    manifest: { name, version: "1.0.0", api: 1, ...more },
    default: ({ definePlugin }: {
      definePlugin: (definition: unknown) => unknown;
    }) => definePlugin({ handlers }),
  };
}

/**
 * Hosts `modules` in this process, and `users`, as `plugins` of a ctrl.yaml
 * says; nothing but `users` when that is absent.
 */
export function localPlugins(
  modules: Modules = {},
  plugins?: unknown,
): PluginHosting {
  const all: Modules = { users, ...modules };
  return {
    runner: (ports) => new LocalRunner(ports, all),
    source: {
      read: (switches) => {
        const configs = PluginConfigs.parse(plugins);
        return Promise.resolve(setOf(all, configs, switches));
      },
    },
  };
}

function setOf(
  modules: Modules,
  configs: ReturnType<typeof PluginConfigs.parse>,
  switches: Switches,
) {
  const read = Object.entries(configs).filter(([name, config]) =>
    isEnabled(name, config, switches)
  ).map(([name, config]) => {
    const module = modules[name] ?? {};
    const manifest = Manifest.parse(module.manifest);
    const snapshot = {
      source: `test ${name}`,
      hash: `${name}-${manifest.version}`,
      folder: "",
      entry: "",
    };
    const definition = definitionOf(module, { event: "*", order: null });
    return { name, snapshot, manifest, config, handles: handledBy(definition) };
  });
  const loaded = registerAll(read, {
    locate: nowhere,
    now: Date.now(),
    isKnownTimer: () => false,
  });
  const known = read.map(({ name, manifest, config, snapshot }): [
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
  return { plugins: loaded, known: new Map(known), warnings: [] };
}
