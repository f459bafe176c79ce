/**
 * The state as a controller opens it: the records, and who may come in by
 * them, with all that is told of both.
 *
 * @module
 */
import { type Events, NO_EVENTS } from "../plugin/events.ts";
import type { CtrlConfig } from "../schema/config.ts";
import type { TrailEntry } from "../schema/operation.ts";
import type { Store } from "../store/store.ts";
import { AuditLog } from "./audit/audit_log.ts";
import { Accounts } from "./auth/accounts.ts";
import { Admission } from "./auth/admission.ts";
import { type CtrlContext, isoNow } from "./context.ts";
import { missingClusters } from "./records/clusters.ts";
import { Connections } from "./events/connections.ts";
import { KeptAnswers } from "./events/kept_answers.ts";
import { Outbox } from "./events/outbox.ts";
import { siteValue } from "./events/site_value.ts";
import { Nodes } from "./nodes/nodes.ts";
import { noteTrail } from "./operations/note_trail.ts";
import type { PluginAsks } from "./plugin_asks/answerer.ts";
import { Records } from "./records/records.ts";

/** What an engine is made on. */
export interface EngineOptions {
  readonly config: CtrlConfig;
  readonly context: CtrlContext;
  readonly store: Store;
  readonly newSecret: () => string;
  readonly version: string;
  /** Who is told what happens, and who lets in; nobody when absent. */
  readonly events?: Events | undefined;
  /** Through which plugins ask; answers once the engine is open. */
  readonly asks?: PluginAsks;
}

/** Everything that was read. */
export interface OpenedState {
  readonly events: Events;
  readonly records: Records;
  readonly outbox: Outbox;
  readonly answers: KeptAnswers;
  readonly nodes: Nodes;
  readonly accounts: Accounts;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly audit: AuditLog;
  /** Completes what an older or an earlier controller left. */
  complete(): Promise<void>;
  /** The controller serves: what happened is told from now on, until `signal` aborts. */
  tell(signal: AbortSignal): void;
}

/** Reads what the store holds. */
export async function openState(
  { config, context, store, newSecret, version, ...options }: EngineOptions,
): Promise<OpenedState> {
  const { events = NO_EVENTS } = options;
  const audit = await AuditLog.load({ context, store });
  const records = await Records.load(store, config.placement.strategy);
  await records.capacity.quotas.load(store, () => config.quotas);
  const answers = await KeptAnswers.load({ context, store });
  const note = (operation: string, lines: readonly TrailEntry[]) =>
    noteTrail({ context, records }, operation, lines);
  const outbox = await Outbox.load({ context, store, events, answers, note });
  records.tellThrough(outbox);
  const nodes = await Nodes.load(context, records, store, newSecret);
  const admission = new Admission({ context, events });
  const accounts = await Accounts.load({
    context,
    store,
    newSecret,
    admission,
  });
  const connections = await Connections.load({
    context,
    store,
    events,
    outbox,
  });
  accounts.lives.onEnd = (session) => connections.ended(session);
  const { epoch } = store.holder;
  const site = () => siteValue({ config, version, epoch, at: isoNow(context) });
  return {
    events,
    records,
    outbox,
    answers,
    nodes,
    accounts,
    admission,
    connections,
    audit,
    async complete() {
      const { vms, clusters } = records;
      await records.write(missingClusters(vms.values(), clusters));
      connections.begin();
    },
    tell(signal) {
      admission.warn();
      signal.addEventListener("abort", () => outbox.close(), { once: true });
      const decision = `ctrl_start/${epoch}`;
      void events.tell("ctrl_start", [site()], { decision });
      outbox.open();
    },
  };
}
