/**
 * The node watch: notices nodes that have been silent past their lease.
 *
 * After its own start the controller gives every node a full lease, since
 * the silence was its own. A lost node's VMs become `unknown`; nothing is
 * done to them.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { CtrlContext } from "./context.ts";
import type { Domains } from "./domains.ts";
import type { NodeLinks } from "./node_links.ts";
import type { Nodes } from "./nodes.ts";
import type { Records } from "./records.ts";

/** What the watch works with. */
export interface NodeWatchParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly nodes: Nodes;
  readonly domains: Domains;
  readonly leaseMs: number;
}

/** At start no node is connected, whatever the records say. */
export async function beginWatch(
  { context, records, links, nodes }: NodeWatchParts,
): Promise<void> {
  for (const node of [...records.nodes.values()]) {
    links.link(node.name).silentSince = context.clock.monotonic();
    if (node.state === "ready") await nodes.setState(node.name, "silent");
  }
}

/** Looks at all nodes until `signal` aborts. */
export async function watchNodes(
  parts: NodeWatchParts,
  signal: AbortSignal,
): Promise<void> {
  const interval = Math.max(50, Math.min(1000, parts.leaseMs / 5));
  while (!signal.aborted) {
    try {
      await parts.context.clock.sleep(interval, signal);
      await lookOnce(parts);
    } catch (error) {
      if (signal.aborted) return;
      parts.context.log.error("the node watch could not note a loss", {
        error: messageOf(error),
      });
    }
  }
}

async function lookOnce(
  { context, links, records, nodes, domains, leaseMs }: NodeWatchParts,
): Promise<void> {
  const now = context.clock.monotonic();
  for (const link of links.all()) {
    if (link.session !== null || link.silentSince === null) continue;
    if (now - link.silentSince < leaseMs) continue;
    link.silentSince = null;
    if (records.nodes.latest(link.name) === undefined) continue;
    context.log.warn("a node is lost: silent past its lease", {
      node: link.name,
      leaseMs,
    });
    await nodes.setState(link.name, "lost");
    await domains.lost(link.name);
    link.interruptAll("it has been silent past its lease");
    link.wake();
  }
}
