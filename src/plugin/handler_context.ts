/**
 * What a handler is given beside its arguments, made from one way to ask the
 * controller; the same in the worker of a plugin and in a simulation.
 *
 * It checks nothing: whoever answers does, since a worker could do without
 * all that is here.
 *
 * @module
 */
import type { SiteValue } from "../schema/event_value.ts";
import type { Json, PluginContext, PluginLog } from "./api.ts";
import type { AskName } from "./asks.ts";

/** What was thrown by `ctx.refuse`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly hint: string | null;

  constructor(reason: string, hint: string | null) {
    super(reason);
    this.hint = hint;
  }
}

/** How important a line of a plugin is. */
export type LineLevel = keyof PluginLog;

/** One call of a handler, as the handler may know it. */
export interface CallFacts {
  readonly event: string;
  readonly options: unknown;
  readonly site: SiteValue;
  readonly decision: string;
  readonly operation: string | null;
  readonly isReplay: boolean;
}

/** The ways from a handler to the controller. */
export interface ContextPorts {
  ask(name: AskName, params: unknown): Promise<unknown>;
  log(
    level: LineLevel,
    text: string,
    fields?: Readonly<Record<string, Json>>,
  ): void;
  /** Made only for a handler that wants it. */
  signal(): AbortSignal;
}

/** The `ctx` of one call. */
export function makeContext(
  facts: CallFacts,
  ports: ContextPorts,
): PluginContext {
  return {
    event: facts.event,
    options: facts.options,
    site: facts.site,
    decision: facts.decision,
    operation: facts.operation,
    isReplay: facts.isReplay,
    get signal() {
      return ports.signal();
    },
    log: {
      debug: (text, fields) => ports.log("debug", text, fields),
      info: (text, fields) => ports.log("info", text, fields),
      warn: (text, fields) => ports.log("warn", text, fields),
      error: (text, fields) => ports.log("error", text, fields),
    },
    refuse(reason, hint) {
      throw new Refusal(String(reason), hint === undefined ? null : `${hint}`);
    },
    ...reads(ports),
    ...deeds(ports),
  };
}

type Reads = Pick<
  PluginContext,
  "vms" | "nodes" | "usage" | "clusters" | "history"
>;

// What an ask answers is typed by api.ts and made by who answers it.
// deno-lint-ignore no-explicit-any
type Answer = Promise<any>;

function reads(ports: ContextPorts): Reads {
  const ask = (name: AskName, params: unknown): Answer =>
    ports.ask(name, params);
  return {
    vms: {
      list: (filter = {}) => ask("vms.list", filter),
      get: (name) => ask("vms.get", { name }),
      isAwaited: (request) => ask("vms.isAwaited", { request }),
    },
    nodes: {
      list: () => ask("nodes.list", {}),
      get: (name) => ask("nodes.get", { name }),
    },
    usage: {
      vms: (filter = {}) => ask("usage.vms", filter),
      nodes: () => ask("usage.nodes", {}),
    },
    clusters: {
      list: () => ask("clusters.list", {}),
      get: (name) => ask("clusters.get", { name }),
    },
    history: {
      operations: (filter = {}) => ask("history.operations", filter),
      vm: (name, limit) => ask("history.vm", { name, limit }),
      node: (name, limit) => ask("history.node", { name, limit }),
      usage: (name, sinceMs) => ask("history.usage", { name, sinceMs }),
    },
  };
}

type Deeds = Pick<
  PluginContext,
  "fire" | "request" | "state" | "schedule" | "accounts"
>;

function deeds(ports: ContextPorts): Deeds {
  const ask = (name: AskName, params: unknown): Answer =>
    ports.ask(name, params);
  return {
    fire: (event, args) => ask("fire", { event, args }),
    request: (request, key, why) => ask("request", { request, key, why }),
    state: {
      get: (key) => ask("state.get", { key }),
      set: (key, value) => ask("state.set", { key, value }),
      delete: (key) => ask("state.delete", { key }),
      list: (prefix) => ask("state.list", { prefix }),
      commit: (changes, expect) => ask("state.commit", { changes, expect }),
    },
    schedule: {
      at: (when, event, args, key) =>
        ask("schedule.at", { when, event, args, key }),
      cancel: (key) => ask("schedule.cancel", { key }),
    },
    accounts: {
      check: (name, password) => ask("accounts.check", { name, password }),
      checkNode: (name, secret) => ask("accounts.checkNode", { name, secret }),
    },
  };
}
