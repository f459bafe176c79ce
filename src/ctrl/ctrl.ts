/**
 * The controller: wires its parts, serves, and ends cleanly.
 *
 * The order of the start is the order of trust: the right to write first,
 * then the certificates, then the records, then what earlier controllers left
 * undone, and only then the listeners.
 *
 * @module
 */
import type { AuditNote } from "../schema/audit.ts";
import type { CtrlConfig } from "../schema/config.ts";
import { openKvStore } from "../store/kv_store.ts";
import type { Store } from "../store/store.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { writeDurably } from "../sys/file.ts";
import { newId, newSecret } from "../sys/id.ts";
import type { Log } from "../sys/log.ts";
import { hostname, processId } from "../sys/machine.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { type AuditBounds, keepAudit } from "./audit/keep.ts";
import type { Accounts } from "./auth/accounts.ts";
import { LiveConfig } from "./configuration/live_config.ts";
import { ConfigReload, type WholeConfig } from "./configuration/reload.ts";
import { type CtrlContext, isoNow } from "./context.ts";
import { type Engine, openEngine } from "./engine.ts";
import { siteValue } from "./events/site_value.ts";
import { keepRenewed, listen } from "./listeners.ts";
import { leavePlace, leaveToken } from "./local.ts";
import type { EngineOptions } from "./opened_state.ts";
import { HostedPlugins, type PluginHosting } from "./plugins/hosted.ts";
import type { PluginAdmin } from "./plugins/admin.ts";
import { Recording } from "./recording/recording.ts";
import type { Site } from "./site.ts";
import { openTrust } from "./trust/trust.ts";
import type { Trust } from "./trust/site_trust.ts";

/** The account that the first start makes. */
export const FIRST_ACCOUNT = "admin";

/** What a controller is started with; flags are in its configuration already. */
export interface CtrlOptions {
  readonly config: CtrlConfig;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** How plugins are run. */
  readonly plugins: PluginHosting;
  /** Reads the whole configuration anew; without it nothing but plugins is read anew. */
  readonly readConfig?: () => Promise<WholeConfig>;
  /** Told what is in force from now on, after each reload. */
  readonly onConfig?: (config: CtrlConfig) => void;
  /** Told the password of the first account, once in the life of a site. */
  readonly onFirstPassword?: (
    user: string,
    password: string,
  ) => void | Promise<void>;
}

/** A controller that serves. */
export interface Controller extends AsyncDisposable {
  readonly site: Site;
  readonly clientsPort: number;
  readonly nodesPort: number;
  /** Aborts when another controller has taken the state: then this one must end. */
  readonly lost: AbortSignal;
  /** Ends: says goodbye, finishes what is being written, frees the state. */
  close(): Promise<void>;
}

/** Starts a controller; resolves once it serves. */
export async function startCtrl(options: CtrlOptions): Promise<Controller> {
  const { log, version, clock = systemClock } = options;
  const live = new LiveConfig(options.config);
  const config = live.view;
  const context: CtrlContext = { clock, newId, log };
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore(config, context));
  const trust = await trustFor(config, context);
  const closing = new AbortController();
  stack.defer(() => closing.abort("the controller ends"));
  const parts = { config, context, store, newSecret, version };
  const recorder = stack.use(openRecording(context, config));
  const hosted = stack.use(hostPlugins(options.plugins, parts, recorder));
  const { events, asks } = hosted;
  const engine = await openEngine({ ...parts, events, asks });
  stack.defer(() => ended(engine.audit));
  const plugins = await hosted.load({ ...engine, store });
  await leaveToken(config.state_dir, engine.accounts.openLocalSession());
  stack.defer(() => engine.runner.stop());
  stack.defer(() => engine.connections.close());
  await engine.recover();
  const configuration = configurationOf(options, live, engine, plugins);
  const servers = listen({
    ...{ config, configuration, version, trust, context },
    parts: { ...engine, plugins },
    closing: closing.signal,
  });
  stack.defer(() => servers.close());
  // Before the sessions of nodes end: else operations would find all nodes gone.
  stack.defer(() => engine.runner.stop());
  const { localUrl: url } = servers;
  await leavePlace(config.state_dir, { url, caPem: trust.caPem });
  // Last, since a password that is said once must not be said in vain.
  await begun(options, engine);
  const loops = [
    engine.keep(closing.signal),
    recorder.keep(closing.signal),
    keepAudit(context, engine.audit, boundsOf(config), closing.signal),
    keepRenewed(trust, servers, context, closing.signal),
  ];
  const owned = stack.move();
  let closed: Promise<void> | null = null;
  const close = () =>
    closed ??= (async () => {
      closing.abort("the controller ends");
      engine.changes.close();
      await owned.disposeAsync();
      await Promise.allSettled(loops);
    })();
  return {
    site: servers.site,
    clientsPort: servers.clients.port,
    nodesPort: servers.nodes.port,
    lost: store.lost,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function begun(
  options: CtrlOptions,
  { accounts, audit }: Pick<Site, "accounts" | "audit">,
): Promise<void> {
  await firstStart(options, accounts);
  audit.note(ofController("ctrl_start", options.version));
}

async function ended(audit: AuditLog): Promise<void> {
  audit.note(ofController("ctrl_end"));
  await audit.close();
}

function boundsOf(config: CtrlConfig): AuditBounds {
  return {
    get keepMs() {
      return config.audit.keep;
    },
    get bytes() {
      return config.audit.size * 2 ** 20;
    },
  };
}

function ofController(verb: string, version?: string): AuditNote {
  return {
    user: "",
    via: "controller",
    verb,
    names: [],
    decision: "told",
    ...(version === undefined ? {} : { args: { version } }),
  };
}

function configurationOf(
  { log, clock = systemClock, readConfig, onConfig }: CtrlOptions,
  live: LiveConfig,
  engine: Engine,
  plugins: PluginAdmin,
): ConfigReload {
  return new ConfigReload({
    context: { clock, newId, log },
    live,
    plugins,
    readConfig,
    onTaken: (config) => {
      engine.takeConfig(config);
      onConfig?.(config);
    },
  });
}

/** Makes the chains of a controller, which are empty yet. */
function hostPlugins(
  hosting: PluginHosting,
  { config, context, store, version }: EngineOptions,
  recorder: Recording,
): HostedPlugins {
  const { epoch } = store.holder;
  const site = siteValue({ config, version, epoch, at: isoNow(context) });
  return new HostedPlugins(hosting, { context, site: () => site, recorder });
}

function openRecording(
  context: CtrlContext,
  config: CtrlConfig,
): Recording {
  return new Recording(context, {
    folder: `${config.state_dir}/events`,
    get bytes() {
      return config.recording.size * 2 ** 20;
    },
    get keepMs() {
      return config.recording.keep;
    },
  });
}

async function openStore(
  config: CtrlConfig,
  { clock, log }: CtrlContext,
): Promise<Store> {
  const common = {
    host: hostname(),
    pid: processId(),
    now: () => clock.now(),
    log,
  };
  if (config.kv_url !== undefined) {
    return await openKvStore({ url: config.kv_url, ...common });
  }
  return await openKvStore({ path: `${config.state_dir}/state.kv`, ...common });
}

async function trustFor(
  config: CtrlConfig,
  { clock }: CtrlContext,
): Promise<Trust> {
  return await openTrust({
    stateDir: config.state_dir,
    names: config.names,
    host: hostname(),
    now: clock.now(),
    ...(config.tls === undefined ? {} : { own: config.tls }),
  });
}

/** Makes the first account and says its password, once. */
async function firstStart(
  { config, onFirstPassword }: CtrlOptions,
  accounts: Accounts,
): Promise<void> {
  if (!accounts.isEmpty) return;
  const password = newSecret().slice(0, 24);
  await accounts.create(FIRST_ACCOUNT, "admin", password);
  if (onFirstPassword !== undefined) {
    return await onFirstPassword(FIRST_ACCOUNT, password);
  }
  await writeDurably(`${config.state_dir}/first-password`, `${password}\n`);
}
