/**
 * Clusters as readers get them.
 *
 * @module
 */
import type { ClusterRecord, ClusterView } from "../../schema/cluster.ts";
import type { Access } from "../auth/access.ts";
import type { Records } from "../records/records.ts";

/** A cluster with how many VMs it has now, and the shares that the reader may know of. */
export function clusterView(
  cluster: ClusterRecord,
  access: Access,
  { capacity: { holdings } }: Pick<Records, "capacity">,
): ClusterView {
  const { name, user, createdAt, createdBy, revision } = cluster;
  const members = [...holdings.members(name)];
  return {
    name,
    user,
    createdAt,
    createdBy,
    revision,
    vms: members.length,
    on: members.filter((uid) => holdings.isOn(uid)).length,
    shares: [...access.sharesShown(cluster)],
  };
}
