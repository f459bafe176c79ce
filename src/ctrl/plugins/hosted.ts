/**
 * Plugins in a controller: the chains, what runs their handlers, and their
 * life, joined.
 *
 * The chains are there before anything else is, since all that is decided
 * passes them, and are empty until the records are read. They are filled
 * before an earlier controller's work is taken up: from the first event on
 * every plugin hears what it is registered for, or there is no controller.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import { Chains } from "../../plugin/chain/chains.ts";
import {
  type EventRecorder,
  NO_RECORDER,
} from "../../plugin/chain/recorder.ts";
import type {
  HandlerRunner,
  PluginLine,
  RunnerPorts,
} from "../../plugin/runner.ts";
import type { SiteValue } from "../../schema/event_value.ts";
import type { RecordedLine } from "../../schema/recorded_event.ts";
import type { Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { PluginServices } from "../plugin_services.ts";
import { PluginAsks } from "../plugin_asks/answerer.ts";
import type { KeptAnswers } from "../events/kept_answers.ts";
import type { Outbox } from "../events/outbox.ts";
import type { Records } from "../records/records.ts";
import { PluginLife } from "./life.ts";
import { LogRing } from "./log_ring.ts";
import type { PluginSource, ReadingPorts } from "./set.ts";
import { ChangeUnderWay } from "./under_way.ts";
import { ShadowRunner } from "./shadow_runner.ts";
import { Shadows } from "./shadows.ts";

/** How a controller runs plugins, and where they come from. */
export interface PluginHosting {
  readonly runner: (ports: RunnerPorts) => HandlerRunner;
  readonly source: PluginSource;
}

/** What is recorded of events, and read back. */
export interface Recorder extends EventRecorder {
  read(sinceMs: number, signal: AbortSignal): AsyncIterable<RecordedLine>;
}

/** What hosting plugins needs. */
export interface HostedParts {
  readonly context: CtrlContext;
  /** What plugins may know of the site. */
  readonly site: () => SiteValue;
  readonly recorder?: Recorder;
}

/** What plugins are loaded into. */
export interface LoadingParts {
  readonly records: Records;
  readonly store: Store;
  readonly services: PluginServices;
  readonly answers: Pick<KeptAnswers, "versions">;
  readonly outbox: Pick<Outbox, "owes">;
}

/** The plugins of one controller. */
export class HostedPlugins implements AsyncDisposable {
  readonly events: Chains;
  readonly asks: PluginAsks;
  readonly #parts: HostedParts;
  readonly #source: PluginSource;
  readonly #runner: ShadowRunner;
  readonly #logs: LogRing;
  /** What may need older versions; nothing before the records are read. */
  #loaded: Pick<LoadingParts, "records" | "answers" | "outbox"> | null = null;
  #life: PluginLife | null = null;
  #shadows: Shadows | null = null;

  constructor({ runner, source }: PluginHosting, parts: HostedParts) {
    const { context, site, recorder = NO_RECORDER } = parts;
    const { clock, log } = context;
    this.#parts = parts;
    this.#logs = new LogRing(site().epoch);
    this.#source = source;
    this.asks = new PluginAsks(clock);
    const ports: RunnerPorts = {
      clock,
      answerer: this.asks,
      site,
      heard: (line) => this.#heard(line),
    };
    this.#runner = new ShadowRunner(
      runner(ports),
      runner({ ...ports, heard: (line) => this.#heard(ofShadow(line)) }),
    );
    this.events = new Chains({
      runner: this.#runner,
      clock,
      log,
      recorder,
      frozen: (operation) =>
        this.#loaded?.records.operations.latest(operation)?.plugins,
      needed: () => this.#needed(),
      ...(source.recall &&
        { recall: (...version) => source.recall!(...version) }),
    });
  }

  /** Loads the set that the configuration names. Throws what is wrong with it. */
  async load(parts: LoadingParts): Promise<PluginLife> {
    const { store, services } = parts;
    this.#loaded = parts;
    const { context, recorder } = this.#parts;
    const source = this.#source;
    const underWay = new ChangeUnderWay(context.clock);
    const reading: ReadingPorts = {
      clock: context.clock,
      heard: (line) => this.#heard(line),
      waits: (plugin) => underWay.waits(plugin),
      isKnownTimer: (plugin, when) =>
        services.clocks.isKnownTimer(plugin, when),
      needed: () => this.#needed(),
    };
    const shadows = new Shadows({
      source,
      reading,
      runner: this.#runner,
      timeIsUp: (plugin) => void this.#endShadow(plugin),
    });
    this.#shadows = shadows;
    this.#life = await PluginLife.open({
      context,
      store,
      chains: this.events,
      runner: this.#runner,
      source,
      reading,
      underWay,
      shadows,
      services,
      logs: this.#logs,
      recorded: (sinceMs, signal) =>
        recorder?.read(sinceMs, signal) ?? nothing(),
    });
    return this.#life;
  }

  async #endShadow(plugin: string): Promise<void> {
    try {
      await this.#life?.endShadow(plugin, "its time is up");
    } catch (error) {
      // It may have ended otherwise in between.
      const { log } = this.#parts.context;
      log.debug("a shadow was not ended", { plugin, error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shadows?.[Symbol.dispose]();
    this.events[Symbol.dispose]();
    await this.#runner[Symbol.asyncDispose]();
  }

  #heard({ plugin, level, event, text, fields }: PluginLine): void {
    const { context } = this.#parts;
    const at = isoNow(context);
    this.#logs.add(plugin, { at, level, event, text, fields });
    // Within a field of their own: they may be called "plugin", or "level".
    const given = Object.keys(fields).length === 0 ? {} : { fields };
    context.log[level](text, { plugin, event, ...given });
  }

  /** The versions that something began with which has not come to its end. */
  #needed(): ReadonlySet<string> {
    const needed = new Set<string>();
    if (this.#loaded === null) return needed;
    const { records, answers, outbox } = this.#loaded;
    for (const hash of answers.versions()) needed.add(hash);
    for (const { id, plugins, state } of records.operations.latestValues()) {
      if (plugins === undefined) continue;
      if (isFinal(state) && !outbox.owes(id)) continue;
      for (const hash of Object.values(plugins)) needed.add(hash);
    }
    return needed;
  }
}

/** What runs beside a plugin has its name, and says so. */
function ofShadow(line: PluginLine): PluginLine {
  return { ...line, fields: { ...line.fields, shadow: true } };
}

async function* nothing(): AsyncGenerator<RecordedLine> {}
