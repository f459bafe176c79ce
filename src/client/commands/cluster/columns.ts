/**
 * A cluster as a row and as facts.
 *
 * @module
 */
import type { ClusterView, Share } from "../../../schema/cluster.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, NOTHING } from "../../render/format.ts";
import type { Column } from "../../render/table.ts";

/** Columns for clusters that are read at `now`. */
export function clusterColumns(now: number): readonly Column<ClusterView>[] {
  return [
    { key: "name", value: ({ name }) => name, shrinks: true },
    number("vms", ({ vms }) => vms),
    number("on", ({ on }) => on),
    { key: "shared", value: sharedText, shrinks: true },
    {
      key: "age",
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => now - Date.parse(createdAt),
    },
  ];
}

/** All that is known of a cluster. */
export function describeCluster(cluster: ClusterView): string {
  const { name, user, vms, on, createdAt, createdBy, shares } = cluster;
  return renderFacts([
    ["name", name],
    ["owner", user],
    ["VMs", `${vms}, ${on} of them on`],
    ["made", `${createdAt} by ${createdBy}`],
    ...shares.map(({ with: { kind, name }, level, by, at }): Fact => [
      "shared with",
      `${kind} ${name} to ${level}, by ${by} ${at}`,
    ]),
  ]);
}

function sharedText({ shares }: ClusterView): string {
  return shares.map(shareText).join(" ") || NOTHING;
}

function shareText({ with: { kind, name }, level }: Share): string {
  return `${kind === "group" ? "@" : ""}${name}:${level}`;
}

function number(
  key: string,
  read: (cluster: ClusterView) => number,
): Column<ClusterView> {
  return { key, align: "right", value: (one) => String(read(one)), sort: read };
}
