/**
 * The engine: a controller without listeners, certificates and files.
 *
 * Everything that decides is made and joined here, on the store and the
 * context that are given, so that a simulation can run the very same parts.
 *
 * @module
 */
import { marginMistake } from "../core/takeover_margin.ts";
import type { CtrlConfig } from "../schema/config.ts";
import { Changes } from "./records/changes.ts";
import { ConsoleRelay } from "./console/console_relay.ts";
import { isoNow } from "./context.ts";
import { defaultDriver, knownDrivers } from "./default_driver.ts";
import type { KeptAnswers } from "./events/kept_answers.ts";
import type { Outbox } from "./events/outbox.ts";
import { Domains } from "./nodes/domains.ts";
import type { DrainParts } from "./drains/drain_parts.ts";
import { Drains } from "./drains/drains.ts";
import { type JanitorParts, keepTidy } from "./janitor.ts";
import { Leftovers } from "./nodes/leftovers.ts";
import type { ServedParts } from "./listeners.ts";
import { HELLO_MS } from "./node_api/session.ts";
import { NodeLinks } from "./nodes/node_links.ts";
import {
  beginWatch,
  type LossKeepers,
  type NodeWatchParts,
  watchNodes,
} from "./nodes/node_watch.ts";
import { type EngineOptions, openState } from "./opened_state.ts";
import { Runner } from "./operations/runner.ts";
import { NO_PLUGINS } from "./plugins/admin.ts";
import { PluginServices } from "./plugin_services.ts";
import type { Records } from "./records/records.ts";
import { Requests } from "./requests/requests.ts";
import { RestartKeeper, type RestartParts } from "./nodes/restarts.ts";
import { PartialVms } from "./nodes/partial_vms.ts";
import { StrayKeeper } from "./nodes/stray_keeper.ts";

/** The parts of a controller, and what keeps them going. */
export interface Engine extends ServedParts {
  /** What plugins have answered, of what has not come to its end. */
  readonly answers: KeptAnswers;
  readonly outbox: Outbox;
  /** What is done for plugins. */
  readonly services: PluginServices;
  /** What is kept apart from the configuration follows it. */
  takeConfig(config: CtrlConfig): void;
  /** Takes up what an earlier controller left; before anything is served. */
  recover(): Promise<void>;
  /** Looks after nodes and old records until `signal` aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/** Reads what the store holds, and makes the parts; nothing runs yet. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { config, context, store } = options;
  const state = await openState(options);
  const { events, records, outbox, answers, nodes, accounts } = state;
  const { admission, audit } = state;
  const links = new NodeLinks();
  const leftovers = new Leftovers({
    context,
    records,
    links,
    isHeld: (uid): boolean => runner.holderOf(uid) !== null,
    report: (node, its): Promise<void> => domains.report(node, its),
  });
  const domains: Domains = new Domains(context, records, leftovers);
  const running = { context, records, links, domains, leftovers, outbox };
  const runner: Runner = new Runner(running);
  const changes = changesOf(records, options);
  const defaults = () => specDefaults(config, records);
  const asked = { context, records, runner, defaults, events, answers, audit };
  const requests = new Requests(asked);
  const parts = { context, records, links, leaseMs: config.node_lease };
  const watch = { ...parts, nodes, domains, leftovers };
  const session = { ...parts, nodes, domains, runner, admission, audit };
  const drains = drainsOf({ ...session, requests }, config);
  const keepers = keepersOf({ ...parts, ...running, runner, audit }, config);
  const janitor = janitorOf(config, { context, records, accounts, nodes });
  const served = { ...session, requests, accounts, store, events };
  const services = await PluginServices.open(served, options.asks);
  return {
    services,
    ...{ answers, outbox, records, links, domains, runner, nodes, accounts },
    connections: state.connections,
    changes,
    requests,
    drains,
    consoles: new ConsoleRelay(context, links),
    plugins: NO_PLUGINS,
    events,
    audit,
    session: { ...session, helloMs: HELLO_MS },
    takeConfig: (config) => takeConfig(config, { records, changes }),
    recover: async () => {
      await state.complete();
      await recover(watch, runner);
    },
    keep: async (signal) => {
      signal.addEventListener("abort", () => requests.deciding.close());
      state.tell(signal);
      const ended = services.begin(signal);
      await keep(watch, keepers, { janitor, drains }, signal);
      await ended;
    },
  };
}

function changesOf(
  records: Records,
  { config, context }: EngineOptions,
): Changes {
  return new Changes(records, () => isoNow(context), config.history.changes);
}

function drainsOf(
  parts: Omit<DrainParts, "limits">,
  config: CtrlConfig,
): Drains {
  return new Drains({ ...parts, limits: () => config.drain });
}

function takeConfig(
  { placement, history }: CtrlConfig,
  { records, changes }: Pick<Engine, "records" | "changes">,
): void {
  records.capacity.strategy = placement.strategy;
  changes.resize(history.changes);
}

/** Those who look after the VMs of lost nodes. */
function keepersOf(
  parts: Omit<RestartParts, "strays" | "marginMs"> & {
    readonly domains: Domains;
  },
  config: CtrlConfig,
): LossKeepers {
  const { strays } = parts.domains;
  const marginMs = marginOf(config);
  return {
    restarts: new RestartKeeper({ ...parts, strays, marginMs }),
    strays: new StrayKeeper(parts, strays),
    partial: new PartialVms(parts),
  };
}

function specDefaults({ defaults }: CtrlConfig, records: Records) {
  return {
    driver: defaultDriver(defaults.driver, records),
    vcpus: defaults.vcpus,
    memoryMiB: defaults.memory,
    known: knownDrivers(records),
  };
}

function janitorOf(
  config: CtrlConfig,
  parts: Omit<JanitorParts, "keepMs" | "keepCount">,
): JanitorParts {
  return {
    ...parts,
    get keepMs() {
      return config.history.keep;
    },
    get keepCount() {
      return config.history.operations;
    },
  };
}

async function recover(watch: NodeWatchParts, runner: Runner): Promise<void> {
  await beginWatch(watch);
  const operations = runner.recover();
  if (operations === 0) return;
  const { log } = watch.context;
  log.info("going on with operations of an earlier run", { operations });
}

/** Throws `invalid_input` for a margin with which two copies of a VM could run. */
function marginOf({ node_lease, takeover_margin }: CtrlConfig): number {
  const mistake = marginMistake(node_lease, takeover_margin);
  if (mistake === null) return takeover_margin;
  throw mistake;
}

async function keep(
  watch: NodeWatchParts,
  keepers: LossKeepers,
  { janitor, drains }: { janitor: JanitorParts; drains: Drains },
  signal: AbortSignal,
): Promise<void> {
  await Promise.allSettled([
    watchNodes(watch, keepers, signal),
    keepTidy(janitor, signal),
    drains.keep(signal),
  ]);
}
