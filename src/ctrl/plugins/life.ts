/**
 * The life of the plugins of a running controller: loaded, reloaded, turned on
 * and off.
 *
 * There is one set at a time, and another takes its place as a whole or not at
 * all: it is read, judged and started beside the one that runs, and only then
 * are the chains swapped. What was begun with the old set ends with it. So
 * neither a mistake nor a plugin that does not start can leave half a policy
 * in force.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Chains } from "../../plugin/chain/chains.ts";
import type { HandlerRunner } from "../../plugin/runner.ts";
import type { PluginView, ShadowView } from "../../schema/plugin.ts";
import {
  type ForgetAnswer,
  PluginSwitch,
  type ShadowRequest,
} from "../../schema/plugin_life.ts";
import type { RecordedLine } from "../../schema/recorded_event.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { PluginServices } from "../plugin_services.ts";
import {
  doesNotStart,
  noShadow,
  type PluginAdmin,
  type PluginLogs,
  unknownPlugin,
} from "./admin.ts";
import { answerOf } from "./difference.ts";
import {
  type KnownPlugin,
  NO_SET,
  type PluginSet,
  type PluginSource,
  type ReadConfig,
  type ReadingPorts,
  type Switches,
} from "./set.ts";
import type { Shadows } from "./shadows.ts";
import type { ChangeUnderWay } from "./under_way.ts";
import { pluginView, rank } from "./view.ts";

/** What the life of plugins needs. */
export interface PluginLifeParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "list" | "commit">;
  readonly chains: Pick<
    Chains,
    "prepare" | "replace" | "abandon" | "views"
  >;
  readonly runner: Pick<HandlerRunner, "status">;
  readonly source: PluginSource;
  readonly reading: ReadingPorts;
  /** Told what the change that is under way waits for. */
  readonly underWay: ChangeUnderWay;
  /** Serves a set: what it asks, and its clocks. */
  readonly services: Pick<PluginServices, "prepare" | "use" | "forget">;
  readonly logs: PluginLogs;
  readonly recorded: (
    sinceMs: number,
    signal: AbortSignal,
  ) => AsyncIterable<RecordedLine>;
  readonly shadows: Shadows;
}

/** The plugins of a running controller. */
export class PluginLife implements PluginAdmin {
  readonly #parts: PluginLifeParts;
  #switches: ReadonlyMap<string, PluginSwitch> = new Map();
  #set: PluginSet = NO_SET;
  /** One change at a time: each is judged against what the one before left. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(parts: PluginLifeParts) {
    this.#parts = parts;
  }

  /** Loads the first set. Throws what is wrong with it: then no controller may start. */
  static async open(parts: PluginLifeParts): Promise<PluginLife> {
    const life = new PluginLife(parts);
    const switches = new Map<string, PluginSwitch>();
    for await (const { value } of parts.store.list(keys.pluginSwitches())) {
      const given = PluginSwitch.parse(value);
      switches.set(given.name, given);
    }
    life.#switches = switches;
    const set = await parts.source.read(life.#switches, parts.reading);
    await life.#start(set);
    life.#warn(set);
    return life;
  }

  list(): readonly PluginView[] {
    const views = [...this.#set.known.keys()].toSorted()
      .map((name) => this.show(name));
    return views.toSorted((a, b) => rank(a) - rank(b));
  }

  get change() {
    return this.#parts.underWay.view;
  }

  show(name: string): PluginView {
    const known = this.#known(name);
    const { chains, runner, shadows } = this.#parts;
    return pluginView(known, this.#switches, {
      status: this.#runs(name) ? runner.status(name) : null,
      registrations: chains.views(name),
      shadow: shadows.view(name),
    });
  }

  async turn(name: string, enabled: boolean, by: string): Promise<PluginView> {
    if (this.#known(name).config === null) {
      throw new UsherError(
        "wrong_state",
        `Cannot turn plugin "${name}" ${
          enabled ? "on" : "off"
        }: it is not in the configuration`,
        {
          subject: name,
          hint: "add it under plugins in ctrl.yaml, then usher plugin reload",
        },
      );
    }
    return await this.#inTurn(async () => {
      const { underWay } = this.#parts;
      using _ = underWay.begin(enabled ? "enable" : "disable", by);
      const at = isoNow(this.#parts.context);
      const given: PluginSwitch = { v: 1, name, enabled, by, at };
      const switches = new Map(this.#switches).set(name, given);
      // Turning one off reads nothing: what else is wrong must not prevent it.
      const set = enabled ? await this.#read(switches) : this.#without(name);
      await this.#take(set, switches, [{
        type: "set",
        key: keys.pluginSwitch(name),
        value: given,
      }]);
      const { log } = this.#parts.context;
      log.info("a plugin was turned", { plugin: name, enabled, by });
      return this.show(name);
    });
  }

  async reload(check: boolean, by: string, given?: ReadConfig) {
    return await this.#inTurn(async () => {
      using _ = this.#parts.underWay.begin(check ? "check" : "reload", by);
      const before = this.#set;
      const set = await this.#read(this.#switches, given);
      if (check) {
        await this.#try(set);
        return answerOf(before, set);
      }
      await this.#take(set, this.#switches, []);
      const plugins = set.plugins.length;
      this.#parts.context.log.info("plugins were reloaded", { by, plugins });
      return answerOf(before, set);
    });
  }

  async shadow(
    name: string,
    asked: ShadowRequest,
    by: string,
  ): Promise<PluginView> {
    this.#known(name);
    return await this.#inTurn(async () => {
      const live = this.#set.plugins.find((plugin) => plugin.name === name);
      if (live === undefined) {
        throw new UsherError(
          "wrong_state",
          `Cannot run anything beside plugin "${name}": it is ${
            this.show(name).state
          }`,
          { subject: name, hint: "register and enable it first" },
        );
      }
      const { shadows, context } = this.#parts;
      await shadows.use(await shadows.readBeside(live, asked));
      context.log.info("a plugin has a shadow", { plugin: name, by, ...asked });
      return this.show(name);
    });
  }

  async endShadow(name: string, by: string): Promise<ShadowView> {
    this.#known(name);
    return await this.#inTurn(async () => {
      const { shadows, context } = this.#parts;
      const view = shadows.view(name);
      if (view === null) throw noShadow(name);
      await shadows.use(shadows.without(name));
      const { last: _last, until: _until, ...figures } = view;
      context.log.info("a shadow has ended", { plugin: name, by, ...figures });
      return view;
    });
  }

  async forget(name: string, by: string): Promise<ForgetAnswer> {
    return await this.#inTurn(async () => {
      if (this.#runs(name)) {
        throw new UsherError(
          "wrong_state",
          `Cannot forget what plugin "${name}" keeps: it is in use`,
          { subject: name, hint: `usher plugin disable ${name} comes first` },
        );
      }
      const { services, context } = this.#parts;
      const forgot = await services.forget(name);
      const isNothing = forgot.values + forgot.scheduled === 0;
      if (isNothing && !this.#set.known.has(name)) {
        throw unknownPlugin(name, [...this.#set.known.keys()]);
      }
      context.log.warn("what a plugin kept was forgotten", {
        plugin: name,
        by,
        ...forgot,
      });
      return { plugin: name, ...forgot };
    });
  }

  get logs(): PluginLogs {
    return this.#parts.logs;
  }

  recorded(
    sinceMs: number,
    signal: AbortSignal,
  ): AsyncIterable<RecordedLine> {
    return this.#parts.recorded(sinceMs, signal);
  }

  #known(name: string): KnownPlugin {
    const known = this.#set.known.get(name);
    if (known !== undefined) return known;
    throw unknownPlugin(name, [...this.#set.known.keys()]);
  }

  #runs(name: string): boolean {
    return this.#set.plugins.some((plugin) => plugin.name === name);
  }

  #read(switches: Switches, given?: ReadConfig): Promise<PluginSet> {
    return this.#parts.source.read(switches, this.#parts.reading, given);
  }

  /** The set that is there, without one that is turned off. */
  #without(name: string): PluginSet {
    const { plugins, known } = this.#set;
    return {
      plugins: plugins.filter((plugin) => plugin.name !== name),
      known,
      warnings: [],
    };
  }

  /** Starts a set, makes what led to it durable, and takes it. */
  async #take(
    set: PluginSet,
    switches: ReadonlyMap<string, PluginSwitch>,
    mutations: readonly Mutation[],
  ): Promise<void> {
    const before = this.#set;
    await this.#start(set);
    try {
      if (mutations.length > 0) await this.#parts.store.commit(mutations);
    } catch (error) {
      // It would be another after a restart than it is now.
      await this.#start(before);
      throw error;
    }
    this.#switches = switches;
    this.#warn(set);
  }

  /** Starts a set and its shadows, or neither. */
  async #start(set: PluginSet): Promise<void> {
    const { shadows } = this.#parts;
    const before = shadows.current;
    await shadows.use(await shadows.read(set.plugins));
    try {
      await this.#swap(set);
    } catch (error) {
      await shadows.use(before);
      throw error;
    }
  }

  /** Starts all that is new beside what runs, then lets it take its place. */
  async #swap(set: PluginSet): Promise<void> {
    const { chains, services } = this.#parts;
    const before = this.#set;
    await this.#prepare(set);
    try {
      await services.prepare(set.plugins);
      await this.#parts.source.note?.(set.plugins);
      await chains.replace(set.plugins);
    } catch (error) {
      await services.prepare(before.plugins);
      await chains.abandon();
      throw error;
    }
    // Only now: what their clocks tell must be heard.
    services.use(set.plugins);
    this.#set = set;
  }

  /** Starts all that is new, and lets go of it: whether it would work. */
  async #try(set: PluginSet): Promise<void> {
    await this.#parts.shadows.read(set.plugins);
    await this.#prepare(set);
    await this.#parts.chains.abandon();
  }

  /** Starts all that is new beside what runs; throws when one of them does not start. */
  async #prepare(set: PluginSet): Promise<void> {
    const { runner, chains, underWay } = this.#parts;
    const fresh = set.plugins.filter((plugin) =>
      !this.#set.plugins.includes(plugin)
    );
    using _ = underWay.waits(...fresh.map(({ name }) => name));
    await chains.prepare(fresh);
    const failed = fresh.find(({ name }) =>
      runner.status(name)?.state === "failed"
    );
    if (failed === undefined) return;
    const why = runner.status(failed.name)?.reason ?? "";
    await chains.abandon();
    throw doesNotStart(failed, why);
  }

  #warn({ warnings }: PluginSet): void {
    for (const warning of warnings) this.#parts.context.log.warn(warning);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
