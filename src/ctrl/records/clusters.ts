/**
 * Clusters: a record for each, made with the first VM of it, in the same
 * commit, whoever makes that VM known and whyever.
 *
 * A cluster outlives its VMs, and stays until it is deleted: what it is shared
 * with, and what plugins keep for it elsewhere, stays good.
 *
 * @module
 */
import type { ClusterRecord } from "../../schema/cluster.ts";
import type { Cluster } from "../../schema/event_value.ts";
import { splitVmName } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Table } from "./table.ts";
import type { Write } from "./write.ts";

/** The name of the cluster that a VM of this full name is in. */
export function clusterOf(vm: string): string {
  const { cluster, user } = splitVmName(vm);
  return `${cluster}.${user}`;
}

/** What plugins are told of a cluster. */
export function clusterValue(
  { v, name, user, createdAt, createdBy }: ClusterRecord,
): Cluster {
  return { v, name, user, createdAt, createdBy };
}

/** `writes`, each that makes the first VM of a cluster known behind the cluster's own. */
export function withClusters(
  writes: readonly Write[],
  vms: Table<Vm>,
  clusters: Table<ClusterRecord>,
): readonly Write[] {
  const made = new Set<string>();
  let all: Write[] | null = null;
  for (const [i, write] of writes.entries()) {
    const isNew = write.kind === "vm" && write.value !== null &&
      vms.latest(write.key) === undefined;
    if (isNew) {
      const name = clusterOf(write.value.name);
      if (clusters.latest(name) === undefined && !made.has(name)) {
        made.add(name);
        all ??= writes.slice(0, i);
        all.push(clusterWrite(write.value, askedBy(write.key, writes)));
      }
    }
    all?.push(write);
  }
  return all ?? writes;
}

/** Writes of clusters that VMs are in and that have no record, as an older usher left them. */
export function missingClusters(
  vms: Iterable<Vm>,
  clusters: Table<ClusterRecord>,
): Write[] {
  const writes = new Map<string, Write>();
  for (const vm of vms) {
    const name = clusterOf(vm.name);
    if (clusters.latest(name) !== undefined || writes.has(name)) continue;
    writes.set(name, clusterWrite(vm, undefined));
  }
  return [...writes.values()];
}

function clusterWrite(vm: Vm, createdBy: string | undefined): Write {
  const name = clusterOf(vm.name);
  const { user } = splitVmName(vm.name);
  return {
    kind: "cluster",
    key: name,
    value: {
      v: 1,
      name,
      user,
      createdAt: vm.createdAt,
      createdBy: createdBy ?? user,
      shares: [],
      revision: 0,
    },
    note: "created",
  };
}

/** Who asked for the VM `uid`; undefined for one that was found. */
function askedBy(uid: string, writes: readonly Write[]): string | undefined {
  for (const { kind, value } of writes) {
    if (kind === "operation" && value?.uid === uid) return value.user;
  }
  return undefined;
}
