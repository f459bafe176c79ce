/**
 * What administrators may do to plugins, as the API calls it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import { didYouMean } from "../../schema/nearest.ts";
import type { PluginView, ShadowView } from "../../schema/plugin.ts";
import type {
  ForgetAnswer,
  PluginChangeUnderWay,
  ReloadAnswer,
  ShadowRequest,
} from "../../schema/plugin_life.ts";
import type { RecordedLine } from "../../schema/recorded_event.ts";
import { LogRing } from "./log_ring.ts";

/** What plugins said, as it is read. */
export type PluginLogs = Pick<LogRing, "run" | "newest" | "follow">;
import type { ReadConfig } from "./set.ts";

/** The plugins of a controller. */
export interface PluginAdmin {
  /** Those that are registered, then those that could be, each in the order of their names. */
  list(): readonly PluginView[];
  /** What is under way; null for nothing. */
  readonly change: PluginChangeUnderWay | null;
  /** Throws `not_found`. */
  show(name: string): PluginView;
  /**
   * Runs a plugin, or runs it no more, from now on and after every restart,
   * whatever the configuration says. Throws, and changes nothing, when it
   * cannot run.
   */
  turn(name: string, enabled: boolean, by: string): Promise<PluginView>;
  /**
   * Reads everything anew and takes all of it, or throws and takes nothing. A
   * configuration that is given was read just now.
   */
  reload(
    check: boolean,
    by: string,
    given?: ReadConfig,
  ): Promise<ReloadAnswer>;
  /**
   * Runs the version at a path beside a plugin and only compares, until plugins
   * are read anew or its time is up.
   */
  shadow(name: string, asked: ShadowRequest, by: string): Promise<PluginView>;
  /** Ends it, and answers how it has answered. Throws `wrong_state` where there is none. */
  endShadow(name: string, by: string): Promise<ShadowView>;
  /**
   * Forgets the values, scheduled events and clocks of a plugin that does not
   * run. Throws `wrong_state` for one that does.
   */
  forget(name: string, by: string): Promise<ForgetAnswer>;
  /** What plugins said; of one that there is not, nothing. */
  readonly logs: PluginLogs;
  /** What was recorded since then, milliseconds since 1970; oldest first. */
  recorded(sinceMs: number, signal: AbortSignal): AsyncIterable<RecordedLine>;
}

/** For a controller that has no plugins. */
export const NO_PLUGINS: PluginAdmin = {
  list: () => [],
  change: null,
  show(name) {
    throw unknownPlugin(name, []);
  },
  turn(name) {
    return Promise.reject(unknownPlugin(name, []));
  },
  reload() {
    return Promise.reject(
      new UsherError("unsupported", "This controller runs without plugins"),
    );
  },
  shadow(name) {
    return Promise.reject(unknownPlugin(name, []));
  },
  endShadow(name) {
    return Promise.reject(unknownPlugin(name, []));
  },
  forget(name) {
    return Promise.reject(unknownPlugin(name, []));
  },
  logs: new LogRing(0),
  async *recorded() {},
};

/** There is no plugin of that name; the nearest is named. */
export function unknownPlugin(
  name: string,
  known: readonly string[],
): UsherError {
  const near = didYouMean(name, known);
  return new UsherError("not_found", `There is no plugin "${name}"`, {
    subject: name,
    hint: near === "" ? "usher plugin list shows those there are" : near,
  });
}

/** A plugin was read and is right, and cannot be run. */
export function doesNotStart(
  { name, snapshot }: LoadedPlugin,
  why: string,
): UsherError {
  return new UsherError(
    "plugin_failed",
    `Plugin "${name}" (${snapshot.source}) does not start: ${
      why || "it gave no reason"
    }`,
    {
      subject: name,
      hint: `usher plugin check ${snapshot.source} tells more`,
    },
  );
}

/** Nothing runs beside a plugin. */
export function noShadow(name: string): UsherError {
  return new UsherError(
    "wrong_state",
    `Nothing runs beside plugin "${name}"`,
    { subject: name, hint: "what did ends when plugins are read anew" },
  );
}
