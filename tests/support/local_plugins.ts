/**
 * Plugins in the process of a test: real ones that were imported, and those
 * that a test writes as a few handlers.
 *
 * @module
 */
import {
  hostInProcess,
  type Modules,
} from "../../src/ctrl/plugins/in_process.ts";
import type { PluginHosting } from "../../src/ctrl/plugins/hosted.ts";
import type { Handlers } from "../../src/plugin/api.ts";
import type { PluginModule } from "../../src/plugin/process/instance.ts";
import type { ManifestInput } from "../../src/schema/plugin.ts";
import * as users from "../../plugins/users.ts";

export type { Modules };

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
  return hostInProcess({ users, ...modules }, plugins);
}
