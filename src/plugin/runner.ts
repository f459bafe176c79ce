/**
 * What runs handlers. Two keep these promises: one with a process for each
 * plugin, and one in this process, for simulations and tests alone.
 *
 *  1. `call` ends within its deadline and a second, whatever the handler does.
 *  2. It answers what the handler gave back, as JSON; null for nothing. It
 *     checks no schema: the chain does.
 *  3. It rejects with `refused` when the handler said so, and with
 *     `plugin_failed` for anything else that went wrong; both name the plugin.
 *  4. What a handler does after its call has ended touches no other call.
 *  5. Calls of one registration begin in the order in which they were made.
 *  6. A call that its worker did not live to answer is made once more, under
 *     the same decision and in the time that is left of its deadline.
 *
 * @module
 */
import type { SiteValue } from "../schema/event_value.ts";
import type {
  GroupController,
  Manifest,
  PluginConfig,
} from "../schema/plugin.ts";
import type { Clock } from "../sys/clock.ts";
import type { AskAnswerer } from "./asks.ts";
import type { LineLevel } from "./handler_context.ts";
import type { HostGroups } from "./process/host_groups.ts";

/** The source of a plugin that ships with usher. */
export const BUILT_IN = "built in";

/** One file or folder of a plugin, as it was at one moment, types stripped. */
export interface Snapshot {
  /** Where it was found; `built in` for one that ships. */
  readonly source: string;
  /** SHA-256 over names and contents of all its files, hex. */
  readonly hash: string;
  /** The folder that holds the snapshot, named by its hash. */
  readonly folder: string;
  /** Its entry, relative to `folder`. */
  readonly entry: string;
}

/** A plugin that was read and is registered. */
export interface LoadedPlugin {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly manifest: Manifest;
  readonly config: PluginConfig;
  /** Events that it has handlers for; `*` among them when it has a generic one. */
  readonly handles: readonly string[];
  readonly registrations: readonly Registration[];
}

/** One event of one plugin, in its place. */
export interface Registration {
  /** Its number among all of the site, in the order of registration. */
  readonly id: number;
  readonly plugin: string;
  readonly event: string;
  readonly order: number | null;
  /**
   * As they were configured. The plugin's own schema has passed them, and makes
   * what handlers get of them where they run: that need not be JSON.
   */
  readonly options: unknown;
  /** The configured one; the event's default when null. */
  readonly deadlineMs: number | null;
  /** Of `periodic`: milliseconds, or five fields of cron. */
  readonly period?: number | string | undefined;
  /** Of `timer`, as it was written. */
  readonly when?: string | undefined;
}

/** One call of one handler. */
export interface HandlerCall {
  readonly registration: Registration;
  readonly event: string;
  /** JSON. */
  readonly args: readonly unknown[];
  readonly decision: string;
  readonly operation: string | null;
  readonly depth: number;
  readonly isReplay: boolean;
  readonly deadlineMs: number;
}

/** What came of a call. */
export interface HandlerResult {
  /** What the handler gave back; null when it gave nothing. */
  readonly args: readonly unknown[] | null;
  readonly tookMs: number;
}

/** What is known of the process that runs a plugin. */
export interface RunnerStatus {
  readonly state: "starting" | "running" | "failed";
  readonly reason: string;
  readonly pid: number | null;
  readonly memoryMiB: number | null;
  /** Which of its limits the kernel keeps. */
  readonly heldByKernel: readonly GroupController[];
  readonly restarts: number;
}

/** A line that a plugin logged, or wrote to its standard output. Cut, and without control characters. */
export interface PluginLine {
  readonly plugin: string;
  readonly level: LineLevel;
  /** The event whose handler said it; null when it came from nowhere. */
  readonly event: string | null;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a runner needs of its controller. */
export interface RunnerPorts {
  readonly clock: Clock;
  readonly answerer: AskAnswerer;
  /** What plugins may know of the site now. */
  site(): SiteValue;
  heard(line: PluginLine): void;
  /** What a process is started by; this very program when absent. */
  readonly program?: readonly [string, ...string[]];
  /** Where the kernel holds processes to their limits. */
  readonly groups?: HostGroups | undefined;
}

/** Runs handlers. */
export interface HandlerRunner extends AsyncDisposable {
  /**
   * Takes these plugins up, and lets go of all others once their calls have
   * ended. One that did not change goes on as it is. Of one name there may be
   * several versions, the newest first: `status` tells of that. Resolves when
   * each runs or has failed to.
   */
  use(plugins: readonly LoadedPlugin[]): Promise<void>;
  call(call: HandlerCall): Promise<HandlerResult>;
  status(plugin: string): RunnerStatus | null;
}
