/**
 * Clusters: made, shown, shared, deleted.
 *
 * @module
 */
import { z } from "zod";
import {
  ClusterAnswer,
  ClusterView,
  CreateClusterRequest,
  ShareAnswer,
  ShareRequest,
  UnshareRequest,
} from "../cluster.ts";
import type { Route } from "./kind.ts";

/** Clusters, and with whom they are shared. */
export const CLUSTER_ROUTES = {
  clusters: {
    method: "GET",
    path: "/v1/clusters",
    access: "viewer",
    whose: "what one sees",
    summary: "Clusters that the caller may see",
    response: z.object({ revision: z.int(), clusters: z.array(ClusterView) }),
  },
  cluster: {
    method: "GET",
    path: "/v1/clusters/{name}",
    access: "viewer",
    whose: "what one sees",
    summary: "One cluster, by `cluster` of the caller's own or `cluster.user`",
    response: ClusterView,
  },
  createCluster: {
    method: "POST",
    path: "/v1/clusters",
    access: "user",
    whose: "one's own; an administrator anybody's",
    summary: "Make an empty cluster; the one that is there when there is one",
    request: CreateClusterRequest,
    response: ClusterAnswer,
  },
  deleteCluster: {
    method: "DELETE",
    path: "/v1/clusters/{name}",
    access: "user",
    whose: "one's own; an administrator anybody's",
    summary: "Forget a cluster that has no VMs, with its shares",
    response: ClusterAnswer,
  },
  shareCluster: {
    method: "POST",
    path: "/v1/clusters/{name}/share",
    access: "user",
    whose: "one's own; an administrator anybody's",
    summary: "Let a user or a group see a cluster's VMs, or control them",
    request: ShareRequest,
    response: ShareAnswer,
  },
  unshareCluster: {
    method: "POST",
    path: "/v1/clusters/{name}/unshare",
    access: "user",
    whose: "one's own; an administrator anybody's",
    summary: "End a share; what it showed is hidden at once",
    request: UnshareRequest,
    response: ClusterAnswer,
  },
} as const satisfies Readonly<Record<string, Route>>;
