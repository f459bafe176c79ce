/**
 * What the sessions of nodes work with.
 *
 * @module
 */
import type { AuditSink } from "../audit/sink.ts";
import type { Admission } from "../auth/admission.ts";
import type { CtrlContext } from "../context.ts";
import type { Domains } from "../nodes/domains.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";

/** What sessions work with. */
export interface NodeSessionParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly admission: Admission;
  readonly audit: AuditSink;
  readonly nodes: Nodes;
  readonly domains: Domains;
  readonly runner: Runner;
  readonly leaseMs: number;
  /** How long a node may take to say who it is, and then each part of what it runs. */
  readonly helloMs: number;
}
