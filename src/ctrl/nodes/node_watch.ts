/**
 * The node watch: notices nodes that have been silent past their lease.
 *
 * After its own start the controller gives every node a full lease, since
 * the silence was its own. A lost node's VMs become `unknown`; what else
 * comes of it is for `restarts.ts` and `strays.ts`.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { CtrlContext } from "../context.ts";
import type { Domains } from "./domains.ts";
import type { Leftovers } from "./leftovers.ts";
import type { NodeLink, NodeLinks } from "./node_links.ts";
import type { Nodes } from "./nodes.ts";
import type { Records } from "../records/records.ts";

/** What the watch works with. */
export interface NodeWatchParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly nodes: Nodes;
  readonly domains: Domains;
  readonly leftovers: Leftovers;
  readonly leaseMs: number;
}

/** At start no node is connected, whatever the records say. */
export async function beginWatch(
  { context, records, links, nodes }: NodeWatchParts,
): Promise<void> {
  for (const node of [...records.nodes.values()]) {
    const link = links.link(node.name);
    link.silentSince = context.clock.monotonic();
    // Whoever was controller before may have spoken to it until now.
    link.heardAt = context.clock.monotonic();
    if (node.state === "ready") await nodes.setState(node.name, "silent");
  }
}

/** What follows from the loss of nodes and their return; each looks once. */
export interface LossKeepers {
  readonly restarts: { look(): Promise<void> };
  readonly strays: { look(): void };
  readonly partial: { look(): void };
}

/** Looks at all nodes until `signal` aborts. */
export async function watchNodes(
  parts: NodeWatchParts,
  { restarts, strays, partial }: LossKeepers,
  signal: AbortSignal,
): Promise<void> {
  const interval = Math.max(50, Math.min(1000, parts.leaseMs / 5));
  while (!signal.aborted) {
    try {
      await parts.context.clock.sleep(interval, signal);
      await lookOnce(parts);
      await restarts.look();
      strays.look();
      partial.look();
    } catch (error) {
      if (signal.aborted) return;
      parts.context.log.error("the node watch could not note a loss", {
        error: messageOf(error),
      });
    }
  }
}

/** Looks at every node once; what cannot be written is tried at the next look. */
export async function lookOnce(parts: NodeWatchParts): Promise<void> {
  for (const link of parts.links.all()) {
    await noteAgain(parts, link);
    await noteLoss(parts, link);
  }
  await parts.domains.settleUnconfirmed();
  // Not waited for: a node that is slow to clear up must not delay the watch.
  void parts.leftovers.sweep();
}

/** Writes reports that could not be written when they came. */
async function noteAgain(
  { domains }: NodeWatchParts,
  link: NodeLink,
): Promise<void> {
  if (link.unnoted.size === 0) return;
  const frames = [...link.unnoted.values()];
  await domains.report(link.name, frames);
  link.noted(frames);
}

async function noteLoss(
  { context, records, nodes, domains, leaseMs }: NodeWatchParts,
  link: NodeLink,
): Promise<void> {
  const since = link.silentSince;
  if (link.session !== null || since === null) return;
  if (records.nodes.latest(link.name)?.state === "dead") return;
  if (context.clock.monotonic() - since < leaseMs) return;
  if (records.nodes.latest(link.name) !== undefined) {
    context.log.warn("a node is lost: silent past its lease", {
      node: link.name,
      leaseMs,
    });
    await nodes.setState(link.name, "lost");
    // It may have come back meanwhile: what it told then is newer than its loss,
    // and nobody would tell it again.
    if (link.silentSince !== since) return;
    const noted = domains.lost(link.name);
    // At once, before a new session could have been asked anything.
    link.breakOff("it has been silent past its lease");
    await noted;
  }
  // Last, so that a loss that could not be written is noted at the next look;
  // and not when the node came back in the meantime.
  if (link.session === null) link.silentSince = null;
}
