/**
 * A set of plugins: all that the configuration and the files say, read at one
 * moment and found to be right as a whole.
 *
 * @module
 */
import type { CtrlConfig } from "../../schema/config.ts";
import type { Manifest, PluginConfig } from "../../schema/plugin.ts";
import type { PluginSwitch } from "../../schema/plugin_life.ts";
import type { Locate } from "../../plugin/files/mistake.ts";
import type { LoadedPlugin, PluginLine } from "../../plugin/runner.ts";
import type { Clock } from "../../sys/clock.ts";

/** The parts of ctrl.yaml that a reload takes anew. */
export type PluginSections = Pick<CtrlConfig, "plugins" | "plugin_dirs">;

/** The configuration of plugins as it is now, and where its keys stand. */
export interface ReadConfig {
  readonly config: PluginSections;
  readonly locate: Locate;
}

/** A plugin that is in the configuration, or only there to be put into it. */
export interface KnownPlugin {
  readonly name: string;
  /** Where it was found; `built in` for one that ships, empty for one that was not. */
  readonly source: string;
  readonly hash: string;
  /** Null for one that was not read. */
  readonly manifest: Manifest | null;
  /** Null for one that is not in the configuration. */
  readonly config: PluginConfig | null;
  readonly optionsSchema: Readonly<Record<string, unknown>> | null;
  /** Why it was not read; empty for one that was, and for one that need not be. */
  readonly problem: string;
}

/** Plugins that may run together. */
export interface PluginSet {
  /** Those that run, in the order of registration. */
  readonly plugins: readonly LoadedPlugin[];
  /** Every one that there is, by name. */
  readonly known: ReadonlyMap<string, KnownPlugin>;
  /** What works and may surprise. */
  readonly warnings: readonly string[];
}

/** What administrators said over the configuration, by plugin. */
export type Switches = ReadonlyMap<string, PluginSwitch>;

/** What reading a set needs of its controller. */
export interface ReadingPorts {
  readonly clock: Clock;
  /** Told what plugins say while they are read. */
  heard(line: PluginLine): void;
  /** A plugin is waited for until the result is disposed of. */
  waits?(plugin: string): Disposable;
  /** Whether a timer of a moment that is past was registered before it was. */
  isKnownTimer(plugin: string, when: string): boolean;
  /** The hashes of versions that operations began with which have not ended. */
  needed(): ReadonlySet<string>;
}

/** Where sets come from. */
export interface PluginSource {
  /**
   * Reads the configuration and every plugin of it anew. Throws what is wrong
   * with any of them; nothing has changed then. A configuration that is given
   * was read just now.
   */
  read(
    switches: Switches,
    ports: ReadingPorts,
    given?: ReadConfig,
  ): Promise<PluginSet>;
  /** Notes how these run, durably, before anything can name their versions. */
  note?(plugins: readonly LoadedPlugin[]): Promise<void>;
  /** A version that was noted, with registrations of its own; null when it is gone. */
  recall?(plugin: string, hash: string): Promise<LoadedPlugin | null>;
  /** Reads the version at `path`, to be called as `live` is. Throws what is wrong with it. */
  readShadow?(
    live: LoadedPlugin,
    path: string,
    ports: ReadingPorts,
  ): Promise<LoadedPlugin>;
}

/** For a controller without plugins. */
export const NO_SET: PluginSet = {
  plugins: [],
  known: new Map(),
  warnings: [],
};

/** Whether a plugin is to run: what an administrator said, else the configuration. */
export function isEnabled(
  name: string,
  config: PluginConfig,
  switches: Switches,
): boolean {
  return switches.get(name)?.enabled ?? config.enabled;
}
