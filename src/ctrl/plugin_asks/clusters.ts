/**
 * `clusters.*`: those of which a VM could be granted.
 *
 * @module
 */
import type { Cluster } from "../../schema/event_value.ts";
import type { AnswersOf } from "./ask.ts";

/** Where clusters are read. */
export interface ClusterSource {
  get(name: string): Cluster | undefined;
  values(): Iterable<Cluster>;
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
        .sort((a, b) => a.name < b.name ? -1 : 1);
    },
    "clusters.get": ({ name }, { grant }) =>
      grant.reachesCluster(name) ? clusters.get(name) ?? null : null,
  };
}
