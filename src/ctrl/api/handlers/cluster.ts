/**
 * Clusters, as routes.
 *
 * @module
 */
import {
  CreateClusterRequest,
  ShareRequest,
  UnshareRequest,
} from "../../../schema/cluster.ts";
import type { CLUSTER_ROUTES } from "../../../schema/route/cluster.ts";
import { ClusterDesk } from "../../clusters/clusters.ts";
import { type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";

/** Handlers of clusters. */
export const CLUSTER_HANDLERS: Readonly<
  Record<keyof typeof CLUSTER_ROUTES, Handler>
> = {
  clusters: ({ site, caller }) => {
    const desk = new ClusterDesk(site, caller);
    const clusters = desk.list().map((cluster) => desk.view(cluster));
    return json({ revision: site.changes.newest, clusters });
  },
  cluster: ({ site, caller, param }) => {
    const desk = new ClusterDesk(site, caller);
    return json(desk.view(desk.find(param("name"))));
  },
  createCluster: async ({ site, caller, request }) => {
    const { name } = await readBody(
      site.context.clock,
      request,
      CreateClusterRequest,
    );
    return json(await new ClusterDesk(site, caller).create(name));
  },
  deleteCluster: async ({ site, caller, param }) =>
    json(await new ClusterDesk(site, caller).delete(param("name"))),
  shareCluster: async ({ site, caller, param, request }) => {
    const asked = await readBody(site.context.clock, request, ShareRequest);
    return json(
      await new ClusterDesk(site, caller).share(param("name"), asked),
    );
  },
  unshareCluster: async ({ site, caller, param, request }) => {
    const { with: grantee } = await readBody(
      site.context.clock,
      request,
      UnshareRequest,
    );
    const desk = new ClusterDesk(site, caller);
    return json(await desk.unshare(param("name"), grantee));
  },
};
