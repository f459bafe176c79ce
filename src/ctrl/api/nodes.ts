/**
 * `GET /v1/nodes` and one of them, as far as the chains of reads show them.
 *
 * @module
 */
import type { NodeView } from "../../schema/change.ts";
import type { Caller } from "../auth/caller.ts";
import { admittedNodes, ALL } from "../requests/read_chains.ts";
import type { Site } from "../site.ts";
import { nodeView } from "../views.ts";

/** All nodes that a reader is shown. */
export async function listNodes(
  site: Site,
  caller: Caller,
): Promise<{ revision: number; nodes: NodeView[] }> {
  const { records, links, changes } = site;
  const admits = await admittedNodes(caller, ALL, site);
  const nodes = [...records.nodes.values()]
    .filter((node) => admits === null || admits(node))
    .map((node) => nodeView(node, links, records.capacity));
  return { revision: changes.newest, nodes };
}

/** One node. Throws `not_found`, also for one that the chains hide. */
export async function shownNode(
  site: Site,
  caller: Caller,
  name: string,
): Promise<NodeView> {
  const { records, links, nodes } = site;
  const read = { names: [name], filter: "" };
  const admits = await admittedNodes(caller, read, site);
  const node = records.nodes.get(name);
  if (node === undefined || admits?.(node) === false) throw nodes.unknown(name);
  return nodeView(node, links, records.capacity);
}
