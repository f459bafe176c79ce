/**
 * Nodes, and what is done to a whole node.
 *
 * @module
 */
import { z } from "zod";
import { NodeView } from "../change.ts";
import {
  DrainPlan,
  DrainRequest,
  NodeOperation,
  NodeOperationView,
  UndrainAnswer,
} from "../node_operation.ts";
import { NodeTokenRequest } from "../request.ts";
import type { Route } from "./kind.ts";

/** A join token; shown only here. */
export const NodeTokenAnswer = z.object({
  token: z.string(),
  expiresAt: z.string(),
});
/** A join token; shown only here. */
export type NodeTokenAnswer = z.infer<typeof NodeTokenAnswer>;

/** What came of declaring a node dead. */
export const DeadAnswer = z.object({
  /** False when it was dead already. */
  changed: z.boolean(),
  /** VMs that count as crashed since, by name. */
  crashed: z.array(z.string()),
});
/** What came of declaring a node dead. */
export type DeadAnswer = z.infer<typeof DeadAnswer>;

/** Nodes, and what is done to a whole node. */
export const NODE_ROUTES = {
  nodes: {
    method: "GET",
    path: "/v1/nodes",
    access: "viewer",
    summary: "Nodes of the site",
    response: z.object({ revision: z.int(), nodes: z.array(NodeView) }),
  },
  node: {
    method: "GET",
    path: "/v1/nodes/{name}",
    access: "viewer",
    summary: "One node",
    response: NodeView,
  },
  nodeToken: {
    method: "POST",
    path: "/v1/node-tokens",
    access: "admin",
    summary: "A token with which one node may join",
    request: NodeTokenRequest,
    response: NodeTokenAnswer,
  },
  declareDead: {
    method: "POST",
    path: "/v1/nodes/{name}/declare-dead",
    access: "admin",
    summary:
      "Say that a node that is not connected runs nothing any more, so that its VMs may start elsewhere",
    response: DeadAnswer,
  },
  drain: {
    method: "POST",
    path: "/v1/nodes/{name}/drain",
    access: "admin",
    summary:
      "Let a node take no more VMs, and move those it has elsewhere; the drain that is under way when there is one",
    request: DrainRequest,
    response: NodeOperationView,
  },
  drainPlan: {
    method: "POST",
    path: "/v1/nodes/{name}/drain/plan",
    access: "admin",
    summary: "Where a drain would move each VM of a node; nothing is done",
    request: DrainRequest,
    response: DrainPlan,
  },
  undrain: {
    method: "POST",
    path: "/v1/nodes/{name}/undrain",
    access: "admin",
    summary: "Let a node take VMs again; its drain stops",
    response: UndrainAnswer,
  },
  nodeOperations: {
    method: "GET",
    path: "/v1/node-operations",
    access: "viewer",
    whose: "who sees all",
    summary: "Drains, newest first; for who may see all VMs",
    query: {
      filter: "conditions such as node=n2,state=running",
      limit: "how many at most, 100 by default",
    },
    response: z.object({ operations: z.array(NodeOperation) }),
  },
  nodeOperation: {
    method: "GET",
    path: "/v1/node-operations/{id}",
    access: "viewer",
    whose: "who sees all",
    summary: "One drain by id or unique prefix, with what became of each VM",
    response: NodeOperationView,
  },
  cancelNodeOperation: {
    method: "POST",
    path: "/v1/node-operations/{id}/cancel",
    access: "admin",
    summary:
      "Stop a drain: VMs on their way go back as far as they can, and the node goes on to take none",
    response: NodeOperation,
  },
} as const satisfies Readonly<Record<string, Route>>;
