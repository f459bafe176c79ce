/**
 * Nodes, and what is done with a whole one, as routes.
 *
 * @module
 */
import { encodeJoinToken } from "../../../schema/join_token.ts";
import { NodeTokenRequest } from "../../../schema/request.ts";
import type { NODE_ROUTES } from "../../../schema/route/node.ts";
import { declareDead } from "../../nodes/declare_dead.ts";
import {
  beginDrain,
  cancelDrain,
  listDrains,
  planDrain,
  showDrain,
} from "../drains.ts";
import { type Call, type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";
import { listNodes, shownNode } from "../nodes.ts";

/** Handlers of nodes. */
export const NODE_HANDLERS: Readonly<
  Record<keyof typeof NODE_ROUTES, Handler>
> = {
  nodes: async ({ site, caller }) => json(await listNodes(site, caller)),
  node: async ({ site, caller, param }) =>
    json(await shownNode(site, caller, param("name"))),
  nodeToken,
  declareDead: async ({ site, caller, param }) =>
    json(await declareDead(site, param("name"), caller.user)),
  drain: async ({ site, caller, param, request }) =>
    json(await beginDrain(site, caller, param("name"), request)),
  drainPlan: async ({ site, param, request }) =>
    json(await planDrain(site, param("name"), request)),
  undrain: async ({ site, caller, param }) =>
    json(await site.drains.undrain(param("name"), caller)),
  nodeOperations: ({ site, caller, url }) =>
    json({ operations: listDrains(site, caller, url) }),
  nodeOperation: ({ site, caller, param }) =>
    json(showDrain(site, caller, param("id"))),
  cancelNodeOperation: async ({ site, caller, param }) =>
    json(await cancelDrain(site, caller, param("id"))),
};

async function nodeToken({ site, request }: Call): Promise<Response> {
  const { node, ttlMs } = await readBody(
    site.context.clock,
    request,
    NodeTokenRequest,
  );
  const { secret, expiresAt } = await site.nodes.newToken(node ?? null, ttlMs);
  return json({
    token: encodeJoinToken({ url: site.nodesUrl, ca: site.ca.pem, secret }),
    expiresAt,
  });
}
