/**
 * A plugin on the bench: its handlers called in this process, with a site of
 * made-up VMs and nodes that answers what they ask and keeps what they do.
 *
 * ```ts
 * await using bench = await onBench(import("../../plugins/sample.ts"), { options: { … } });
 * await bench.call("start_request", [startRequest(["web.lab.ann"])]);
 * ```
 *
 * @module
 */
import type { Json } from "../../src/plugin/api.ts";
import type {
  AskAnswerer,
  Asking,
  AskName,
  AskParams,
} from "../../src/plugin/asks.ts";
import {
  definitionOf,
  handledBy,
  type PluginModule,
} from "../../src/plugin/process/instance.ts";
import { LocalRunner } from "../../src/plugin/local_runner.ts";
import type {
  LoadedPlugin,
  PluginLine,
  Registration,
} from "../../src/plugin/runner.ts";
import type { NodeView, VmView } from "../../src/schema/change.ts";
import { EVENTS, isEventName } from "../../src/schema/event.ts";
import type { Cluster, SiteValue } from "../../src/schema/event_value.ts";
import type { Operation } from "../../src/schema/operation.ts";
import { compileName } from "../../src/core/selector.ts";
import { UsherError } from "../../src/error/mod.ts";
import { Manifest, PluginConfig } from "../../src/schema/plugin.ts";
import type { Role } from "../../src/schema/stored.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";

/** What plugins on the bench are told of the site. */
export const BENCH_SITE: SiteValue = {
  version: "0.0.0",
  epoch: 1,
  nameSuffix: "vm.example",
  startedAt: "2026-01-01T00:00:00.000Z",
};

/** What the site of a bench has. */
export interface BenchOptions {
  /** As `options` in ctrl.yaml. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly vms?: readonly VmView[];
  readonly nodes?: readonly NodeView[];
  readonly clusters?: readonly Cluster[];
  readonly operations?: readonly Operation[];
  /** Names of users, and of nodes, to their passwords. */
  readonly passwords?: Readonly<Record<string, string>>;
  readonly roles?: Readonly<Record<string, Role>>;
  readonly site?: Partial<SiteValue>;
  readonly clock?: Clock;
  /** Events to register for; all that the plugin handles when absent. */
  readonly events?: readonly string[];
}

/** What may be said of one call. */
export interface BenchCall {
  readonly decision?: string;
  readonly operation?: string;
  readonly depth?: number;
  readonly isReplay?: boolean;
  readonly deadlineMs?: number;
}

/** One thing that the plugin did. */
export interface Done<N extends AskName> {
  readonly params: AskParams<N>;
  readonly asking: Asking;
}

/** Answers as a controller would that grants everything. Change its fields as a test goes on. */
export class BenchSite implements AskAnswerer {
  vms: VmView[];
  nodes: NodeView[];
  clusters: Cluster[];
  operations: Operation[];
  readonly passwords: Record<string, string>;
  readonly roles: Record<string, Role>;
  readonly state = new Map<string, Json>();
  readonly requests: Done<"request">[] = [];
  readonly fired: Done<"fire">[] = [];
  /** Ids of requests that are on their way. */
  readonly awaited = new Set<string>();
  readonly scheduled = new Map<string, Done<"schedule.at">>();
  /** Answers in place of all that is here. */
  onAsk: ((name: AskName) => Promise<unknown>) | undefined;
  /** An ask that is to fail, by its name. */
  readonly failing = new Map<AskName, UsherError>();

  constructor(options: BenchOptions = {}) {
    this.vms = [...options.vms ?? []];
    this.nodes = [...options.nodes ?? []];
    this.clusters = [...options.clusters ?? []];
    this.operations = [...options.operations ?? []];
    this.passwords = { ...options.passwords };
    this.roles = { ...options.roles };
  }

  answer<N extends AskName>(
    name: N,
    params: AskParams<N>,
    asking: Asking,
  ): Promise<unknown> {
    if (this.onAsk !== undefined) return this.onAsk(name);
    const failure = this.failing.get(name);
    if (failure !== undefined) return Promise.reject(failure);
    const answer = this.#answers[name] as (
      params: unknown,
      asking: Asking,
    ) => unknown;
    return Promise.resolve(answer(params, asking));
  }

  readonly #answers: {
    [N in AskName]: (params: AskParams<N>, asking: Asking) => unknown;
  } = {
    "vms.list": ({ name, node, state, after = "", limit }) =>
      this.vms.filter((vm) =>
        (name === undefined || compileName(name)(vm.name)) &&
        (node === undefined || vm.node === node) &&
        (state === undefined || vm.status.state === state) && vm.name > after
      ).toSorted((a, b) => a.name < b.name ? -1 : 1).slice(0, limit),
    "vms.get": ({ name }) => named(this.vms, name),
    "vms.isAwaited": ({ request }) => this.awaited.has(request),
    "nodes.list": () => this.nodes,
    "nodes.get": ({ name }) => named(this.nodes, name),
    "usage.vms": ({ after = "", limit }) =>
      usages(
        this.vms.filter(({ name, usage }) => usage !== null && name > after)
          .toSorted((a, b) => a.name < b.name ? -1 : 1).slice(0, limit),
      ),
    "usage.nodes": () => usages(this.nodes),
    "clusters.list": () => this.clusters,
    "clusters.get": ({ name }) => named(this.clusters, name),
    "history.operations": () => this.operations,
    "history.vm": () => [],
    "history.node": () => [],
    "history.usage": () => [],
    fire: (params, asking) => void this.fired.push({ params, asking }),
    request: (params, asking) =>
      `request-${this.requests.push({ params, asking })}`,
    "state.get": ({ key }) => this.state.get(key) ?? null,
    "state.set": ({ key, value }) => void this.state.set(key, value as Json),
    "state.delete": ({ key }) => void this.state.delete(key),
    "state.list": ({ prefix }) =>
      [...this.state].filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => ({ key, value }))
        .sort((a, b) => a.key < b.key ? -1 : 1),
    "state.commit": ({ changes, expect }) => {
      const holds = expect.every(({ key, value }) =>
        same(this.state.get(key) ?? null, value)
      );
      if (!holds) return false;
      for (const { key, value } of changes) {
        if (value === null) this.state.delete(key);
        else this.state.set(key, value as Json);
      }
      return true;
    },
    "schedule.at": (params, asking) =>
      void this.scheduled.set(
        params.key ?? `unnamed-${this.scheduled.size}`,
        { params, asking },
      ),
    "schedule.cancel": ({ key }) => void this.scheduled.delete(key),
    "accounts.check": ({ name, password }) => {
      const valid = this.passwords[name] === password;
      return { valid, role: valid ? this.roles[name] ?? "user" : null };
    },
    "accounts.checkNode": ({ name, secret }) => ({
      valid: this.passwords[name] === secret,
    }),
  };
}

/** A plugin and the site that it is in. */
export interface Bench extends AsyncDisposable {
  readonly site: BenchSite;
  readonly lines: readonly PluginLine[];
  readonly manifest: Manifest;
  /** Calls its handler; the arguments that come back, null for nothing. */
  call(
    event: string,
    args: readonly unknown[],
    more?: BenchCall,
  ): Promise<readonly unknown[] | null>;
}

/** Puts a plugin on the bench. Throws what its manifest or its options are refused for. */
export async function onBench(
  module: PluginModule | Promise<PluginModule>,
  options: BenchOptions = {},
): Promise<Bench> {
  const imported = await module;
  const manifest = Manifest.parse(imported.manifest);
  const site = new BenchSite(options);
  const lines: PluginLine[] = [];
  const runner = new LocalRunner({
    clock: options.clock ?? systemClock,
    answerer: site,
    site: () => ({ ...BENCH_SITE, ...options.site }),
    heard: (line) => void lines.push(line),
  }, { [manifest.name]: imported });
  const plugin = benchPlugin(manifest, imported, options);
  await runner.use([plugin]);
  const status = runner.status(manifest.name);
  if (status?.state === "failed") {
    throw new UsherError("invalid_input", status.reason);
  }
  let calls = 0;
  return {
    site,
    lines,
    manifest,
    call: (event, args, more = {}) =>
      runner.call({
        registration: registrationOf(plugin, event),
        event,
        args,
        decision: more.decision ?? `decision-${++calls}`,
        operation: more.operation ?? null,
        depth: more.depth ?? 0,
        isReplay: more.isReplay ?? false,
        deadlineMs: more.deadlineMs ??
          (isEventName(event) ? EVENTS[event].deadlineMs : 5000),
      }).then((result) => result.args),
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

/** A plugin as it is once it was read; `events` are those it is registered for. */
function benchPlugin(
  manifest: Manifest,
  module: PluginModule,
  { options = {}, events }: BenchOptions,
): LoadedPlugin {
  const { name } = manifest;
  const handles = handledBy(definitionOf(module, { event: "*", order: null }));
  const registrations = (events ?? handles).map((event, id): Registration => ({
    id,
    plugin: name,
    event,
    order: null,
    options,
    deadlineMs: null,
  }));
  return {
    name,
    snapshot: { source: "bench", hash: "", folder: "", entry: "" },
    manifest,
    config: PluginConfig.parse({}),
    handles,
    registrations,
  };
}

function registrationOf(plugin: LoadedPlugin, event: string): Registration {
  const { registrations } = plugin;
  const found = registrations.find((one) => one.event === event) ??
    registrations.find((one) => one.event === "*");
  if (found === undefined) {
    throw new Error(`"${plugin.name}" has no handler for "${event}"`);
  }
  return found;
}

function named<T extends { readonly name: string }>(
  all: readonly T[],
  name: string,
): T | null {
  return all.find((one) => one.name === name) ?? null;
}

function usages<U>(
  all: readonly { readonly name: string; readonly usage: U }[],
): Record<string, NonNullable<U>> {
  return Object.fromEntries(
    all.flatMap(({ name, usage }) => usage ? [[name, usage]] : []),
  );
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
