/**
 * `clusters.*`: those of which a VM could be granted.
 *
 * @module
 */
import type { ClusterRecord } from "../../schema/cluster.ts";
import { clusterValue } from "../records/clusters.ts";
import type { AnswersOf } from "./ask.ts";

/** Where clusters are read. */
export interface ClusterSource {
  get(name: string): ClusterRecord | undefined;
  values(): Iterable<ClusterRecord>;
}

/** Answers what is asked about clusters. */
export function clusterAnswers(
  clusters: ClusterSource,
): AnswersOf<"clusters.list" | "clusters.get"> {
  return {
    "clusters.list": (_, { grant, pace }) => {
      const all = [...clusters.values()];
      pace.looked(all.length);
      return all.filter(({ name }) => grant.reachesCluster(name))
        .map(clusterValue)
        .sort((a, b) => a.name < b.name ? -1 : 1);
    },
    "clusters.get": ({ name }, { grant }) => {
      const found = grant.reachesCluster(name) ? clusters.get(name) : undefined;
      return found === undefined ? null : clusterValue(found);
    },
  };
}
