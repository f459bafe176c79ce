/**
 * The controller: wires its parts, serves, and ends cleanly.
 *
 * The order of the start is the order of trust: the right to write first,
 * then the certificates, then the records, then what earlier controllers left
 * undone, and only then the listeners.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { CtrlConfig } from "../schema/config.ts";
import { openKvStore } from "../store/kv_store.ts";
import type { Store } from "../store/store.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { readTextOrNull, writeDurably } from "../sys/file.ts";
import { newId, newSecret } from "../sys/id.ts";
import { serveTls, type TlsServer } from "../sys/listen.ts";
import type { Log } from "../sys/log.ts";
import { hostname, processId } from "../sys/machine.ts";
import { clientsApi } from "./api/app.ts";
import { Accounts } from "./auth/accounts.ts";
import { Changes } from "./changes.ts";
import { ConsoleRelay } from "./console_relay.ts";
import { type CtrlContext, isoNow } from "./context.ts";
import { defaultDriver } from "./default_driver.ts";
import { Domains } from "./domains.ts";
import { keepTidy } from "./janitor.ts";
import { nodesApi } from "./node_api/app.ts";
import { HELLO_MS } from "./node_api/session.ts";
import { NodeLinks } from "./node_links.ts";
import { beginWatch, watchNodes } from "./node_watch.ts";
import { Nodes } from "./nodes.ts";
import { Runner } from "./operations/runner.ts";
import { Records } from "./records.ts";
import { Requests } from "./requests.ts";
import type { Site } from "./site.ts";
import { openTrust, type Trust } from "./trust.ts";

/** The account that the first start makes. */
export const FIRST_ACCOUNT = "admin";

/** Where a running controller keeps the token of the owner of its state. */
const LOCAL_TOKEN = "admin-token";

const RENEW_EVERY_MS = 3_600_000;
const CLOSE_MS = 2000;

export interface CtrlOptions {
  readonly config: CtrlConfig;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** Told the password of the first account, once in the life of a site. */
  readonly onFirstPassword?: (user: string, password: string) => void;
}

/** A controller that serves. */
export interface Controller extends AsyncDisposable {
  readonly site: Site;
  readonly clientsPort: number;
  readonly nodesPort: number;
  /** Ends: says goodbye, finishes what is being written, frees the state. */
  close(): Promise<void>;
}

/** Starts a controller; resolves once it serves. */
export async function startCtrl(options: CtrlOptions): Promise<Controller> {
  const { config, log } = options;
  const context: CtrlContext = {
    clock: options.clock ?? systemClock,
    newId,
    log,
  };
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore(config, context));
  const trust = await trustFor(config, context);
  const records = await Records.load(store);
  const closing = new AbortController();
  stack.defer(() => closing.abort("the controller ends"));
  const parts = await makeParts(options, context, store, records);
  await firstStart(options, parts.accounts);
  await writeDurably(
    `${config.state_dir}/${LOCAL_TOKEN}`,
    `${await parts.accounts.openLocalSession()}\n`,
  );
  await beginWatch(parts.watch);
  const left = parts.runner.recover();
  if (left > 0) {
    log.info("going on with operations of an earlier run", {
      operations: left,
    });
  }
  const servers = listen(options, parts, trust, context, closing.signal);
  stack.defer(() => servers.close());
  stack.defer(() => parts.runner.stop());
  const loops = [
    watchNodes(parts.watch, closing.signal),
    keepTidy(parts.janitor, closing.signal),
    renew(trust, servers, context, closing.signal),
  ];
  const owned = stack.move();
  let closed: Promise<void> | null = null;
  const close = () =>
    closed ??= (async () => {
      closing.abort("the controller ends");
      parts.changes.close();
      await owned.disposeAsync();
      await Promise.allSettled(loops);
    })();
  return {
    site: servers.site,
    clientsPort: servers.clients.port,
    nodesPort: servers.nodes.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * The token with which the owner of a state directory is an administrator,
 * whatever else is broken. Throws `unavailable` when no controller runs there.
 */
export async function readLocalToken(stateDir: string): Promise<string> {
  const token = await readTextOrNull(`${stateDir}/${LOCAL_TOKEN}`);
  if (token !== null) return token.trim();
  throw new UsherError(
    "unavailable",
    `No controller has run with the state ${stateDir}`,
    {
      hint:
        "run this on the controller's machine, as the owner of its state; --state names another directory",
    },
  );
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

async function makeParts(
  { config }: CtrlOptions,
  context: CtrlContext,
  store: Store,
  records: Records,
) {
  const links = new NodeLinks();
  const domains = new Domains(context, records);
  const runner = new Runner({ context, records, links, domains });
  const nodes = await Nodes.load(context, records, store, newSecret);
  const accounts = await Accounts.load(context, store, newSecret);
  const changes = new Changes(records, () => isoNow(context));
  const defaults = () => ({
    driver: defaultDriver(config.defaults.driver, records),
    vcpus: config.defaults.vcpus,
    memoryMiB: config.defaults.memory,
  });
  const requests = new Requests({ context, records, runner, defaults });
  const consoles = new ConsoleRelay(context, links);
  const leaseMs = config.node_lease;
  return {
    records,
    links,
    domains,
    runner,
    nodes,
    accounts,
    changes,
    requests,
    consoles,
    watch: { context, records, links, nodes, domains, leaseMs },
    session: {
      context,
      links,
      nodes,
      domains,
      runner,
      leaseMs,
      helloMs: HELLO_MS,
    },
    janitor: {
      context,
      records,
      accounts,
      nodes,
      keepMs: config.history.keep,
      keepCount: config.history.operations,
    },
  };
}

type Parts = Awaited<ReturnType<typeof makeParts>>;

/** Makes the first account and says its password, once. */
async function firstStart(
  { config, onFirstPassword }: CtrlOptions,
  accounts: Accounts,
): Promise<void> {
  if (!accounts.isEmpty) return;
  const password = newSecret().slice(0, 24);
  await accounts.create(FIRST_ACCOUNT, "admin", password);
  if (onFirstPassword !== undefined) {
    return onFirstPassword(FIRST_ACCOUNT, password);
  }
  await writeDurably(`${config.state_dir}/first-password`, `${password}\n`);
}

interface Servers {
  readonly site: Site;
  readonly clients: TlsServer;
  readonly nodes: TlsServer;
  close(): Promise<void>;
}

function listen(
  { config, version }: CtrlOptions,
  parts: Parts,
  trust: Trust,
  context: CtrlContext,
  closing: AbortSignal,
): Servers {
  const { certPem, keyPem } = trust.leaf();
  const clientsAt = address(config.listen.clients, "listen.clients");
  const nodesAt = address(config.listen.nodes, "listen.nodes");
  // The handlers need the ports, and the ports are known once there are servers.
  const handlers: {
    clients?: ReturnType<typeof clientsApi>;
    nodes?: ReturnType<typeof nodesApi>;
  } = {};
  const starting = () => new Response("starting", { status: 503 });
  const nodes = serveTls({
    ...nodesAt,
    certPem,
    keyPem,
    handler: (request) => handlers.nodes?.(request) ?? starting(),
  });
  let clients: TlsServer;
  try {
    clients = serveTls({
      ...clientsAt,
      certPem,
      keyPem,
      handler: (request, info) =>
        handlers.clients?.(request, { address: info.remoteAddr.hostname }) ??
          starting(),
    });
  } catch (error) {
    void nodes.close(0);
    throw error;
  }
  const site: Site = {
    context,
    config,
    version,
    closing,
    records: parts.records,
    changes: parts.changes,
    accounts: parts.accounts,
    nodes: parts.nodes,
    links: parts.links,
    runner: parts.runner,
    requests: parts.requests,
    consoles: parts.consoles,
    ca: { pem: trust.caPem, fingerprint: trust.caFingerprint },
    nodesUrl: `https://${publicName(config, nodesAt.hostname)}:${nodes.port}`,
  };
  handlers.clients = clientsApi(site);
  handlers.nodes = nodesApi(site, parts.session);
  return {
    site,
    clients,
    nodes,
    close: async () =>
      void await Promise.all([clients.close(CLOSE_MS), nodes.close(CLOSE_MS)]),
  };
}

/** What nodes and clients call the controller by: the first name configured. */
function publicName(config: CtrlConfig, listensOn: string): string {
  const [name] = config.names;
  if (name !== undefined) return name.includes(":") ? `[${name}]` : name;
  const everywhere = listensOn === "0.0.0.0" || listensOn === "::" ||
    listensOn === "";
  return everywhere ? hostname() : listensOn;
}

function address(
  text: string,
  field: string,
): { hostname: string; port: number } {
  const at = text.lastIndexOf(":");
  const port = Number(text.slice(at + 1));
  if (port > 65535) {
    throw new UsherError("invalid_input", `${field}: ${port} is no port`, {
      field,
      hint: "a port is 65535 at most",
    });
  }
  return {
    hostname: text.slice(0, at).replace(/^\[|\]$/g, "") || "0.0.0.0",
    port,
  };
}

async function renew(
  trust: Trust,
  servers: Servers,
  { clock, log }: CtrlContext,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(RENEW_EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      if (!await trust.renewIfDue(clock.now())) continue;
      const { certPem, keyPem } = trust.leaf();
      servers.clients.replaceCertificate(certPem, keyPem);
      servers.nodes.replaceCertificate(certPem, keyPem);
      log.info("the certificate was renewed");
    } catch (error) {
      log.error("the certificate could not be renewed", { error });
    }
  }
}
