/**
 * What plugins ask, answered by a small controller, without plugins.
 *
 * @module
 */
import { Accounts } from "../../src/ctrl/auth/accounts.ts";
import { Admission } from "../../src/ctrl/auth/admission.ts";
import { Agenda } from "../../src/ctrl/clocks/agenda.ts";
import { Schedules } from "../../src/ctrl/clocks/schedules.ts";
import { History } from "../../src/ctrl/history/history.ts";
import { Nodes } from "../../src/ctrl/nodes/nodes.ts";
import { PluginAsks } from "../../src/ctrl/plugin_asks/answerer.ts";
import { answersOf } from "../../src/ctrl/plugin_asks/answers.ts";
import type { GrantedPlugin } from "../../src/ctrl/plugin_asks/grant.ts";
import { PluginSpaces } from "../../src/ctrl/plugin_asks/space.ts";
import { answerAsk } from "../../src/plugin/ask_check.ts";
import type { Asking } from "../../src/plugin/asks.ts";
import type { Events, Firing } from "../../src/plugin/events.ts";
import { NO_EVENTS } from "../../src/plugin/events.ts";
import type { ClusterRecord } from "../../src/schema/cluster.ts";
import { Manifest, PluginConfig } from "../../src/schema/plugin.ts";
import { type Vm, VmSpec } from "../../src/schema/vm.ts";
import { newId, newSecret } from "../../src/sys/id.ts";
import { SmallCtrl, type SmallCtrlOptions } from "./small_ctrl.ts";

/** What a plugin of a test asks and is granted. */
export interface PluginOptions {
  readonly asks?: readonly string[];
  readonly verbs?: readonly string[];
  readonly events?: Readonly<Record<string, string>>;
  readonly grants?: Readonly<Record<string, unknown>>;
  readonly rate?: number;
}

/** A plugin that asks and is granted so much. */
export function plugin(
  name: string,
  { asks = [], verbs = [], events = {}, grants = {}, rate = 2000 }:
    PluginOptions,
): GrantedPlugin {
  return {
    name,
    manifest: Manifest.parse({
      name,
      version: "1",
      api: 1,
      ctx: asks,
      verbs,
      events,
    }),
    config: PluginConfig.parse({ grants, limits: { rate } }),
  };
}

/** A call of a plugin's handler, for no operation. */
export function askedBy(name: string): Asking {
  return {
    plugin: name,
    registration: 1,
    event: "periodic",
    decision: `periodic/${name}`,
    operation: null,
    depth: 0,
    isReplay: false,
  };
}

/** What an `AskSite` is made of. */
interface Parts {
  readonly small: SmallCtrl;
  readonly agenda: Agenda;
  readonly spaces: PluginSpaces;
  readonly schedules: Schedules;
  readonly accounts: Accounts;
  readonly nodes: Nodes;
  readonly events: FiredEvents;
}

/** Events that are only noted. */
class FiredEvents {
  readonly heard = new Set<string>();
  readonly fired: ({ event: string; args: readonly unknown[] } & Firing)[] = [];
  readonly events: Events = {
    ...NO_EVENTS,
    isHeard: (event) => this.heard.has(event),
    fire: (event, args, firing) => {
      this.fired.push({ event, args, ...firing });
      return this.ended();
    },
  };
  /** What becomes of each firing. */
  ended: () => Promise<void> = () => Promise.resolve();
}

/** Records, and what answers from them. */
export class AskSite implements AsyncDisposable {
  readonly small: SmallCtrl;
  readonly asks: PluginAsks;
  readonly spaces: PluginSpaces;
  readonly schedules: Schedules;
  readonly accounts: Accounts;
  readonly clusters = new Map<string, ClusterRecord>();
  /** Events that somebody hears. */
  readonly heard: Set<string>;
  /** What was fired. */
  readonly fired: FiredEvents["fired"];
  readonly #agenda: Agenda;
  readonly #events: FiredEvents;

  private constructor(parts: Parts) {
    const { small, events: { events, heard, fired } } = parts;
    const { context, records, links } = small;
    this.small = small;
    this.spaces = parts.spaces;
    this.schedules = parts.schedules;
    this.accounts = parts.accounts;
    this.#agenda = parts.agenda;
    this.fired = fired;
    this.heard = heard;
    this.#events = parts.events;
    this.asks = new PluginAsks(context.clock);
    this.asks.open(answersOf({
      ...parts,
      context,
      records,
      links,
      runner: small.runner,
      requests: small.requests,
      events,
      clusters: this.clusters,
      history: new History({ context, records, links }),
    }));
  }

  static async open(options: SmallCtrlOptions = {}): Promise<AskSite> {
    const small = await SmallCtrl.open(options);
    const { context, records, store } = small;
    const agenda = new Agenda(context.clock);
    const events = new FiredEvents();
    return new AskSite({
      small,
      agenda,
      events,
      spaces: await PluginSpaces.load(store),
      schedules: await Schedules.load({
        context,
        store,
        agenda,
        events: events.events,
      }),
      accounts: await Accounts.load({
        context,
        store,
        newSecret,
        admission: new Admission({ context, events: NO_EVENTS }),
      }),
      nodes: await Nodes.load(context, records, store, newSecret),
    });
  }

  /** These plugins may ask from now on. */
  use(...plugins: readonly GrantedPlugin[]): void {
    this.asks.use(plugins);
    this.schedules.use(plugins);
  }

  /** What an ask is answered, whatever its parameters are. */
  ask(name: string, params: unknown, asking: Asking): Promise<unknown> {
    return answerAsk(this.asks, name, params, asking);
  }

  /** What is fired is refused. */
  refuse(error: Error): void {
    this.#events.ended = () => Promise.reject(error);
  }

  /** Chains of what is fired do not end. */
  hold(): void {
    this.#events.ended = () => new Promise(() => {});
  }

  /** Starts VMs, which run then. */
  async start(...names: string[]): Promise<void> {
    for (const name of names) {
      const id = await this.small.submit({ verb: "start", names: [name] });
      await this.small.reached(id, "succeeded");
    }
  }

  /** Makes so many VMs known, `x-1.lab.ann` and so on. */
  async fill(count: number): Promise<void> {
    const at = "2026-01-01T00:00:00.000Z";
    const vms = Array.from({ length: count }, (_, i): Vm => ({
      v: 1,
      uid: newId(),
      name: `x-${i + 1}.lab.ann`,
      generation: 1,
      spec: VmSpec.parse({ driver: "sim" }),
      status: {
        state: "absent",
        reason: "",
        incarnation: null,
        since: at,
        observedGeneration: 0,
      },
      node: null,
      args: {},
      createdAt: at,
      revision: 0,
      found: false,
    }));
    await this.small.records.write(
      vms.map((value) => ({ kind: "vm", key: value.uid, value })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agenda[Symbol.dispose]();
    await this.small[Symbol.asyncDispose]();
  }
}
