/**
 * Plugins that ship in the real sandbox: found, snapshotted, read in a worker
 * and run in one, with a site of made-up VMs that answers what they ask.
 *
 * @module
 */
import { findPlugins } from "../../src/plugin/files/find.ts";
import { nowhere } from "../../src/plugin/files/mistake.ts";
import { ProcessRunner } from "../../src/plugin/process/process_runner.ts";
import {
  PluginReader,
  type PluginReading,
} from "../../src/plugin/files/read.ts";
import {
  optionsOf,
  registerAll,
} from "../../src/plugin/files/registrations.ts";
import type { LoadedPlugin, PluginLine } from "../../src/plugin/runner.ts";
import { takeSnapshot } from "../../src/plugin/files/snapshot.ts";
import { EVENTS, isEventName } from "../../src/schema/event.ts";
import { PluginConfig } from "../../src/schema/plugin.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { BENCH_SITE, type BenchOptions, BenchSite } from "./plugin_bench.ts";
import { REPOSITORY } from "./repository.ts";

/** Plugins by name, as ctrl.yaml has them. */
export type Configs = Readonly<Record<string, unknown>>;

/** Runs plugins that ship as a controller does. */
export class Sandbox implements AsyncDisposable {
  readonly site: BenchSite;
  readonly lines: PluginLine[] = [];
  readonly readings = new Map<string, PluginReading>();
  readonly #runner: ProcessRunner;
  readonly #store: string;
  #plugins: readonly LoadedPlugin[] = [];
  #calls = 0;

  private constructor(store: string, options: BenchOptions) {
    this.#store = store;
    this.site = new BenchSite(options);
    this.#runner = new ProcessRunner({
      clock: systemClock,
      answerer: this.site,
      site: () => BENCH_SITE,
      heard: (line) => void this.lines.push(line),
    });
  }

  static async open(
    configs: Configs,
    options: BenchOptions = {},
  ): Promise<Sandbox> {
    const store = await Deno.makeTempDir({ prefix: "usher_sandbox_" });
    const sandbox = new Sandbox(store, options);
    try {
      await sandbox.#load(configs);
    } catch (error) {
      await sandbox[Symbol.asyncDispose]();
      throw error;
    }
    return sandbox;
  }

  async #load(configs: Configs): Promise<void> {
    const places = await findPlugins({
      shipped: `${REPOSITORY}plugins`,
      dirs: [],
    });
    await using reader = new PluginReader({
      clock: systemClock,
      heard: (line) => void this.lines.push(line),
    });
    const read = await Promise.all(
      Object.entries(configs).map(async ([name, given]) => {
        const place = places.get(name);
        if (place === undefined) throw new Error(`there is no plugin ${name}`);
        const config = PluginConfig.parse(given);
        const snapshot = await takeSnapshot(place, this.#store);
        const registrations = config.events.map((one) => ({
          event: one.event,
          order: one.order ?? null,
          options: optionsOf(config, one),
        }));
        const { limits } = config;
        const reading = await reader.read({
          name,
          snapshot,
          registrations,
          limits,
        });
        this.readings.set(name, reading);
        const { manifest, handles } = reading;
        return { name, snapshot, manifest, config, handles };
      }),
    );
    this.#plugins = registerAll(read, {
      locate: nowhere,
      now: Date.now(),
      isKnownTimer: () => false,
    });
    await this.#runner.use(this.#plugins);
    for (const { name } of this.#plugins) {
      const status = this.#runner.status(name);
      if (status?.state !== "running") {
        throw new Error(`${name} is ${status?.state}: ${status?.reason}`);
      }
    }
  }

  /** Calls the handler of a plugin; the arguments that come back, null for nothing. */
  async call(
    plugin: string,
    event: string,
    args: readonly unknown[],
  ): Promise<readonly unknown[] | null> {
    const registration = this.#plugins.find(({ name }) => name === plugin)
      ?.registrations.find((one) => one.event === event);
    if (registration === undefined) {
      throw new Error(`${plugin} is not registered for ${event}`);
    }
    const answer = await this.#runner.call({
      registration,
      event,
      args,
      decision: `decision-${++this.#calls}`,
      operation: null,
      depth: 0,
      isReplay: false,
      deadlineMs: isEventName(event) ? EVENTS[event].deadlineMs : 5000,
    });
    return answer.args;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner[Symbol.asyncDispose]();
    await Deno.remove(this.#store, { recursive: true });
  }
}
