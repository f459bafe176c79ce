/**
 * A plugin as the API shows it, from what is known of it and how it runs.
 *
 * @module
 */
import { effective } from "../../plugin/files/permission.ts";
import type { RunnerStatus } from "../../plugin/runner.ts";
import type {
  PluginView,
  RegistrationView,
  ShadowView,
} from "../../schema/plugin.ts";
import type { PluginSwitch } from "../../schema/plugin_life.ts";
import { isEnabled, type KnownPlugin, type Switches } from "./set.ts";

/** What is known of a plugin besides its files and its configuration. */
export interface Running {
  readonly status: RunnerStatus | null;
  readonly registrations: readonly RegistrationView[];
  readonly shadow: ShadowView | null;
}

/** A plugin for the API. */
export function pluginView(
  known: KnownPlugin,
  switches: Switches,
  { status, registrations, shadow }: Running,
): PluginView {
  const { name, manifest, config, source, hash, optionsSchema } = known;
  const its = manifest === null || config === null
    ? null
    : effective(manifest, config.grants);
  return {
    name,
    ...stateOf(known, switches, status),
    manifest,
    path: source,
    hash,
    pid: status?.pid ?? null,
    memoryMiB: status?.memoryMiB ?? null,
    limits: config?.limits ?? null,
    heldByKernel: [...status?.heldByKernel ?? []],
    restarts: status?.restarts ?? 0,
    registrations: [...registrations],
    options: config?.options ?? {},
    granted: { ...its?.permissions, ctx: [...its?.ctx ?? []] },
    denied: [...its?.denied ?? []],
    grants: config?.grants ?? null,
    switched: switchView(switches.get(name)),
    shadow,
    optionsSchema,
  };
}

function stateOf(
  { name, config, problem }: KnownPlugin,
  switches: Switches,
  status: RunnerStatus | null,
): Pick<PluginView, "state" | "reason"> {
  if (config === null) return { state: "available", reason: problem };
  if (!isEnabled(name, config, switches)) {
    return { state: "disabled", reason: problem };
  }
  return status === null
    ? { state: "failed", reason: problem || "it was not started" }
    : { state: status.state, reason: status.reason };
}

function switchView(
  given: PluginSwitch | undefined,
): PluginView["switched"] {
  if (given === undefined) return null;
  const { by, at, enabled } = given;
  return { by, at, enabled };
}

/** Those in the configuration before those that could be. */
export function rank({ state }: PluginView): number {
  return state === "available" ? 1 : 0;
}
