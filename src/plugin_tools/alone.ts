/**
 * One plugin in the sandbox, without a controller: read as a controller reads
 * it and run as a controller runs it, with what it is granted for the trial.
 *
 * @module
 */
import type { z } from "zod";
import { Grant } from "../ctrl/plugin_asks/grant.ts";
import { UsherError } from "../error/mod.ts";
import { pluginAt } from "../plugin/files/find.ts";
import type { OptionIssue } from "../plugin/process/instance.ts";
import { type HandlerOutcome, outcomeOf } from "../plugin/chain/outcome.ts";
import { ProcessRunner } from "../plugin/process/process_runner.ts";
import { PluginReader, type PluginReading } from "../plugin/files/read.ts";
import type {
  LoadedPlugin,
  PluginLine,
  Registration,
  Snapshot,
} from "../plugin/runner.ts";
import { takeSnapshot } from "../plugin/files/snapshot.ts";
import { EVENTS, isEventName } from "../schema/event.ts";
import { didYouMean } from "../schema/nearest.ts";
import { type Grants, PluginConfig } from "../schema/plugin.ts";
import { systemClock } from "../sys/clock.ts";
import { absolutePath, makeTempFolder, removeIfThere } from "../sys/file.ts";
import { VERSION } from "../version.ts";
import type { StandIn } from "./stand_in.ts";

/** One registration that a plugin is tried with. */
export interface TriedRegistration {
  readonly event: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Grants as they are written in ctrl.yaml. */
export type GrantsInput = z.input<typeof Grants>;

const SITE = {
  version: VERSION,
  epoch: 1,
  nameSuffix: "",
  startedAt: "2026-01-01T00:00:00.000Z",
};

/** A plugin that is read, and can be run. */
export class AlonePlugin implements AsyncDisposable {
  readonly name: string;
  readonly snapshot: Snapshot;
  /** What it said since it was last looked at. */
  lines: PluginLine[] = [];
  readonly #store: string;
  #runner: ProcessRunner | null = null;

  private constructor(name: string, snapshot: Snapshot, store: string) {
    this.name = name;
    this.snapshot = snapshot;
    this.#store = store;
  }

  /** Snapshots the plugin at `path`. Throws `invalid_input` with file, line and column. */
  static async open(path: string): Promise<AlonePlugin> {
    const place = await pluginAt(absolutePath(path));
    const store = await makeTempFolder("usher-check-");
    try {
      // Where a controller has them, too: by this the lines of a stack are told.
      const snapshot = await takeSnapshot(place, `${store}/plugins`);
      return new AlonePlugin(place.name, snapshot, store);
    } catch (error) {
      await removeIfThere(store);
      throw error;
    }
  }

  /** Reads what it is, and what it says of these options. */
  async read(
    registrations: readonly TriedRegistration[],
  ): Promise<PluginReading> {
    await using reader = new PluginReader({
      clock: systemClock,
      heard: (line) => void this.lines.push(line),
    });
    return await reader.read({
      name: this.name,
      snapshot: this.snapshot,
      limits: PluginConfig.parse({}).limits,
      registrations: registrations.map((one) => ({ ...one, order: null })),
    });
  }

  /**
   * Starts it, with what it asks of these grants; all that it asks of `ctx` and
   * no permission when there are none. Throws `plugin_failed` when it does not
   * start.
   */
  async start(
    { manifest, handles }: PluginReading,
    tried: readonly TriedRegistration[],
    answerer: StandIn,
    grants?: GrantsInput,
  ): Promise<Registration[]> {
    const { ctx, verbs } = manifest;
    const registrations = tried.map(({ event, options }, id): Registration => ({
      id,
      plugin: this.name,
      event,
      order: null,
      options,
      deadlineMs: null,
    }));
    const loaded: LoadedPlugin = {
      name: this.name,
      snapshot: this.snapshot,
      manifest,
      handles,
      config: PluginConfig.parse({ grants: grants ?? { ctx, verbs } }),
      registrations,
    };
    answerer.use(new Grant(loaded));
    this.#runner = new ProcessRunner({
      clock: systemClock,
      answerer,
      site: () => SITE,
      heard: (line) => void this.lines.push(line),
    });
    await this.#runner.use([loaded]);
    const status = this.#runner.status(this.name);
    if (status?.state === "running") return registrations;
    throw new UsherError(
      "plugin_failed",
      `Plugin "${this.name}" does not start: ${status?.reason}`,
      { subject: this.name },
    );
  }

  /** Calls a handler; what it files or fires goes nowhere. */
  async call(
    registration: Registration,
    args: readonly unknown[],
    decision: string,
    isReplay: boolean,
  ): Promise<HandlerOutcome> {
    if (this.#runner === null) throw new Error("It was not started");
    const { event } = registration;
    return await outcomeOf(this.#runner.call({
      registration,
      event,
      args,
      decision,
      operation: null,
      depth: 0,
      isReplay,
      deadlineMs: isEventName(event)
        ? EVENTS[event].deadlineMs
        : EVENTS.timer.deadlineMs,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner?.[Symbol.asyncDispose]();
    await removeIfThere(this.#store);
  }
}

/** What is wrong with options, a line each. */
export function issueTexts(issues: readonly OptionIssue[]): string[] {
  return issues.map(({ path, message, unknown, known }) => {
    const [first] = unknown;
    if (first === undefined) {
      return `${path.join(".") || "options"}: ${message}`;
    }
    const all = unknown.map((key) => `"${key}"`).join(", ");
    const meant = didYouMean(first, known);
    return `unknown option ${all}${meant === "" ? "" : `: ${meant}`}`;
  });
}
