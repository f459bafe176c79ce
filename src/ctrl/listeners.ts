/**
 * The controller's two listeners: where they listen, what they show, and how
 * their certificate is renewed while they serve.
 *
 * @module
 */
import { isUsherError, UsherError } from "../error/mod.ts";
import type { CtrlConfig } from "../schema/config.ts";
import {
  serveTls,
  type ServeTlsOptions,
  type TlsServer,
} from "../sys/listen.ts";
import { hostname } from "../sys/machine.ts";
import { clientsApi } from "./api/app.ts";
import type { ConfigAdmin } from "./configuration/reload.ts";
import type { CtrlContext } from "./context.ts";
import { nodesApi } from "./node_api/app.ts";
import type { NodeSessionParts } from "./node_api/session_parts.ts";
import type { Site } from "./site.ts";
import { Notices } from "./trust/notices.ts";
import type { Trust } from "./trust/site_trust.ts";

const RENEW_EVERY_MS = 3_600_000;
const CLOSE_MS = 2000;

/** Both listeners, and the site that they serve. */
export interface Listeners {
  readonly site: Site;
  readonly clients: TlsServer;
  readonly nodes: TlsServer;
  /** Where clients on this machine reach it. */
  readonly localUrl: string;
  close(): Promise<void>;
}

/** The parts of a controller that its APIs work with. */
export type ServedParts =
  & Pick<
    Site,
    | "records"
    | "changes"
    | "accounts"
    | "connections"
    | "nodes"
    | "links"
    | "domains"
    | "runner"
    | "requests"
    | "drains"
    | "consoles"
    | "plugins"
    | "events"
    | "audit"
  >
  & { readonly session: NodeSessionParts };

/** What listening needs. */
export interface ListenOptions {
  readonly config: CtrlConfig;
  readonly version: string;
  readonly parts: ServedParts;
  readonly configuration: ConfigAdmin;
  readonly trust: Trust;
  readonly context: CtrlContext;
  readonly closing: AbortSignal;
}

/** Listens for clients and nodes. Throws `unavailable`, naming the flag, when a port is taken. */
export function listen(options: ListenOptions): Listeners {
  const { config, trust } = options;
  const tls = trust.leaf();
  const nodesAt = address(config.listen.nodes, "listen.nodes");
  // The handlers need the ports, and the ports are known once there are servers.
  const handlers: {
    clients?: ReturnType<typeof clientsApi>;
    nodes?: ReturnType<typeof nodesApi>;
  } = {};
  const starting = () => new Response("starting", { status: 503 });
  const nodes = serve("nodes", config, {
    ...tls,
    handler: (request, info) =>
      handlers.nodes?.(request, { address: info.remoteAddr.hostname }) ??
        starting(),
  });
  let clients: TlsServer;
  try {
    clients = serve("clients", config, {
      ...tls,
      handler: (request, info) =>
        handlers.clients?.(request, { address: info.remoteAddr.hostname }) ??
          starting(),
    });
  } catch (error) {
    nodes.close(0).catch(() => {});
    throw error;
  }
  const site = siteOf(
    options,
    `https://${publicName(config, nodesAt.hostname)}:${nodes.port}`,
  );
  handlers.clients = clientsApi(site);
  handlers.nodes = nodesApi(site, options.parts.session);
  return {
    site,
    clients,
    nodes,
    localUrl: `https://${localName(config)}:${clients.port}`,
    close: async () =>
      void await Promise.all([clients.close(CLOSE_MS), nodes.close(CLOSE_MS)]),
  };
}

function siteOf(
  { config, configuration, version, parts, trust, context, closing }:
    ListenOptions,
  nodesUrl: string,
): Site {
  const { session: _, ...served } = parts;
  const notices = new Notices(context, trust, parts.links);
  return {
    ...served,
    context,
    config,
    configuration,
    version,
    closing,
    ca: { pem: trust.caPem, fingerprint: trust.caFingerprint },
    notices: () => notices.now(),
    signPeer: trust.signPeer,
    nodesUrl,
  };
}

/** One listener; what keeps it from listening is told with the flag that moves it. */
function serve(
  which: "clients" | "nodes",
  config: CtrlConfig,
  options: Pick<ServeTlsOptions, "certPem" | "keyPem" | "handler">,
): TlsServer {
  const field = `listen.${which}`;
  const at = address(config.listen[which], field);
  try {
    return serveTls({ ...at, ...options });
  } catch (error) {
    if (!isUsherError(error)) throw error;
    const { hint = "", cause } = error.details;
    throw new UsherError(error.code, error.message, {
      field,
      hint:
        `${hint}; or listen elsewhere with --listen-${which} ADDRESS:PORT (${field} in ctrl.yaml)`,
      cause,
    });
  }
}

/** What clients on this machine call the controller by, and its certificate too. */
function localName(config: CtrlConfig): string {
  const { hostname } = address(config.listen.clients, "listen.clients");
  const isReached = isEverywhere(hostname) || hostname === "127.0.0.1";
  // A certificate of usher's own making names loopback; others may not.
  return isReached && config.tls === undefined
    ? "127.0.0.1"
    : publicName(config, hostname);
}

function isEverywhere(listensOn: string): boolean {
  return listensOn === "0.0.0.0" || listensOn === "::" || listensOn === "";
}

/** What nodes and clients call the controller by: the first name configured. */
function publicName(config: CtrlConfig, listensOn: string): string {
  const [name] = config.names;
  if (name !== undefined) return name.includes(":") ? `[${name}]` : name;
  return isEverywhere(listensOn) ? hostname() : listensOn;
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

/** Renews the certificate of the listeners while they serve, until `signal` aborts. */
export async function keepRenewed(
  trust: Trust,
  servers: Pick<Listeners, "site" | "clients" | "nodes">,
  context: CtrlContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = context;
  const notices = new Notices(context, trust, servers.site.links);
  while (!signal.aborted) {
    notices.say();
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
