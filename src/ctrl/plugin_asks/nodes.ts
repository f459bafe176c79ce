/**
 * `nodes.*` and `usage.nodes`.
 *
 * @module
 */
import type { NodeUsage } from "../../schema/node.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Records } from "../records/records.ts";
import { nodeView } from "../views.ts";
import type { AnswersOf } from "./ask.ts";

/** What nodes are read from. */
export interface NodeParts {
  readonly records: Records;
  readonly links: NodeLinks;
}

/** Answers what is asked about nodes. */
export function nodeAnswers(
  { records, links }: NodeParts,
): AnswersOf<"nodes.list" | "nodes.get" | "usage.nodes"> {
  return {
    "nodes.list": (_, { pace }) => {
      pace.looked(records.nodes.size);
      return [...records.nodes.values()].map((node) =>
        nodeView(node, links, records.capacity)
      );
    },
    "nodes.get": ({ name }) => {
      const node = records.nodes.get(name);
      return node === undefined
        ? null
        : nodeView(node, links, records.capacity);
    },
    "usage.nodes": (_, { pace }) => {
      pace.looked(records.nodes.size);
      const used: [string, NodeUsage][] = [];
      for (const { name } of records.nodes.values()) {
        const usage = links.get(name)?.usage ?? null;
        if (usage !== null) used.push([name, usage]);
      }
      return Object.fromEntries(used);
    },
  };
}
