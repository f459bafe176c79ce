/**
 * What the controller does for plugins: it answers what they ask, keeps their
 * values, and minds their clocks.
 *
 * Made before anything is served, in use from `begin` on: no clock of a plugin
 * runs before the controller does.
 *
 * @module
 */
import type { Events } from "../plugin/events.ts";
import type { LoadedPlugin, Registration } from "../plugin/runner.ts";
import type { Store } from "../store/store.ts";
import { Agenda } from "./clocks/agenda.ts";
import { PluginClocks } from "./clocks/plugin_clocks.ts";
import { Schedules } from "./clocks/schedules.ts";
import { History } from "./history/history.ts";
import { PluginAsks } from "./plugin_asks/answerer.ts";
import { type AnswerParts, answersOf } from "./plugin_asks/answers.ts";
import { PluginSpaces } from "./plugin_asks/space.ts";
import { isSame } from "./plugins/difference.ts";

/** What plugins are served from. */
export interface ServiceParts extends
  Omit<
    AnswerParts,
    "spaces" | "schedules" | "history" | "clusters" | "events"
  > {
  readonly store: Store;
  readonly events: Events;
}

/** What is done for plugins. */
export class PluginServices {
  readonly asks: PluginAsks;
  readonly spaces: PluginSpaces;
  readonly clocks: PluginClocks;
  readonly schedules: Schedules;
  readonly history: History;
  readonly #agenda: Agenda;
  #inUse: readonly LoadedPlugin[] = [];

  private constructor(
    parts: Pick<
      PluginServices,
      "asks" | "spaces" | "clocks" | "schedules" | "history"
    >,
    agenda: Agenda,
  ) {
    this.asks = parts.asks;
    this.spaces = parts.spaces;
    this.clocks = parts.clocks;
    this.schedules = parts.schedules;
    this.history = parts.history;
    this.#agenda = agenda;
  }

  /** Reads what is kept for plugins; `asks` answers from then on. */
  static async open(
    parts: ServiceParts,
    asks = new PluginAsks(parts.context.clock),
  ): Promise<PluginServices> {
    const { context, store, events, records } = parts;
    const agenda = new Agenda(context.clock);
    const timed = { context, store, events, agenda };
    const spaces = await PluginSpaces.load(store);
    const schedules = await Schedules.load(timed);
    const clocks = await PluginClocks.load(timed);
    const history = new History(parts);
    const { clusters } = records;
    asks.open(answersOf({ ...parts, clusters, spaces, schedules, history }));
    return new PluginServices(
      { asks, spaces, clocks, schedules, history },
      agenda,
    );
  }

  /**
   * Lets these plugins ask, and no others, and makes their moments durable,
   * before they are called. Rejects for grants and clocks that cannot be; then
   * those that were to stay must be prepared again.
   */
  async prepare(plugins: readonly LoadedPlugin[]): Promise<void> {
    this.asks.use(plugins);
    await this.clocks.prepare(registrationsOf(plugins));
  }

  /** The clocks of these plugins run from now on, and no others: they can be called. */
  use(plugins: readonly LoadedPlugin[]): void {
    const stays = (plugin: LoadedPlugin) =>
      this.#inUse.some((one) =>
        one.name === plugin.name && isSame(one, plugin)
      );
    const anew = plugins.filter((plugin) => !stays(plugin));
    this.#inUse = plugins;
    this.clocks.use(
      registrationsOf(plugins),
      new Set(anew.map(({ name }) => name)),
    );
    this.schedules.use(plugins);
  }

  /** Forgets all that is kept for a plugin that is not in use. */
  async forget(
    plugin: string,
  ): Promise<{ readonly values: number; readonly scheduled: number }> {
    const scheduled = await this.schedules.forget(plugin);
    await this.clocks.forget(plugin);
    return { values: await this.spaces.remove(plugin), scheduled };
  }

  /** Lets clocks run and looks after history until `signal` aborts. */
  async begin(signal: AbortSignal): Promise<void> {
    this.clocks.begin(signal);
    this.schedules.begin(signal);
    await this.history.keep(signal);
    this.#agenda[Symbol.dispose]();
  }
}

function registrationsOf(plugins: readonly LoadedPlugin[]): Registration[] {
  return plugins.flatMap(({ registrations }) => registrations);
}
