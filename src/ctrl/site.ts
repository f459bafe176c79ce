/**
 * The site: the parts of a running controller, as its API sees them.
 *
 * @module
 */
import type { CtrlConfig } from "../schema/config.ts";
import type { Notice } from "../schema/notice.ts";
import type { Events } from "../plugin/events.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import type { Accounts } from "./auth/accounts.ts";
import type { Changes } from "./records/changes.ts";
import type { ConfigAdmin } from "./configuration/reload.ts";
import type { Connections } from "./events/connections.ts";
import type { ConsoleRelay } from "./console/console_relay.ts";
import type { CtrlContext } from "./context.ts";
import type { Domains } from "./nodes/domains.ts";
import type { Drains } from "./drains/drains.ts";
import type { NodeLinks } from "./nodes/node_links.ts";
import type { Nodes } from "./nodes/nodes.ts";
import type { Runner } from "./operations/runner.ts";
import type { PluginAdmin } from "./plugins/admin.ts";
import type { Records } from "./records/records.ts";
import type { Requests } from "./requests/requests.ts";
import type { Trust } from "./trust/site_trust.ts";

/** Everything that handlers may use. */
export interface Site {
  readonly context: CtrlContext;
  /** What is in force now; a section of it may be another at the next look. */
  readonly config: CtrlConfig;
  readonly configuration: ConfigAdmin;
  readonly records: Records;
  readonly changes: Changes;
  readonly accounts: Accounts;
  /** Where acts are noted. */
  readonly audit: AuditLog;
  readonly connections: Connections;
  readonly nodes: Nodes;
  readonly links: NodeLinks;
  readonly domains: Domains;
  readonly runner: Runner;
  readonly requests: Requests;
  readonly drains: Drains;
  readonly consoles: ConsoleRelay;
  readonly plugins: PluginAdmin;
  readonly events: Events;
  readonly version: string;
  /** The site's CA, PEM, and its SHA-256. */
  readonly ca: { readonly pem: string; readonly fingerprint: string };
  /** What everybody who calls should hear. */
  readonly notices: () => readonly Notice[];
  /** Signs a node's key, for what nodes say to each other. */
  readonly signPeer: Trust["signPeer"];
  /** The URL that nodes dial. */
  readonly nodesUrl: string;
  /** Aborts when the controller ends. */
  readonly closing: AbortSignal;
}
