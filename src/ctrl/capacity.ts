/**
 * The picture of the site that placement decides on, computed from the
 * records each time it is asked for.
 *
 * @module
 */
import type { PlacementNode } from "../core/placement/place.ts";
import { occupies } from "../core/vm_machine.ts";
import type { Node } from "../schema/node.ts";
import type { Vm } from "../schema/vm.ts";
import type { Records } from "./records.ts";

/** What VMs take of one node. */
export interface Allocation {
  vms: number;
  memoryMiB: number;
  cpus: number;
}

/**
 * What VMs take of every node. A VM counts while it is on, and while an
 * operation that turns it on holds it (`isStarting`); one that moves counts at
 * both ends until its migration is over.
 */
export function allocations(
  records: Records,
  isStarting: (uid: string) => boolean,
): Map<string, Allocation> {
  const all = new Map<string, Allocation>();
  const add = (node: string, vm: Vm, vms: number) => {
    const taken = all.get(node) ?? { vms: 0, memoryMiB: 0, cpus: 0 };
    taken.vms += vms;
    if (occupies(vm.status.state) || isStarting(vm.uid)) {
      taken.memoryMiB += vm.spec.memoryMiB;
      taken.cpus += vm.spec.vcpus;
    }
    all.set(node, taken);
  };
  for (const vm of records.vms.latestValues()) {
    if (vm.node !== null) add(vm.node, vm, 1);
  }
  for (const { verb, uid, from, to } of records.openOperations()) {
    const vm = records.vms.latest(uid);
    if (verb !== "migrate" || vm === undefined) continue;
    const other = vm.node === to ? from : to;
    if (other !== null && other !== vm.node) add(other, vm, 0);
  }
  return all;
}

/** Every node as placement sees it. */
export function placementNodes(
  records: Records,
  isStarting: (uid: string) => boolean,
): PlacementNode[] {
  const taken = allocations(records, isStarting);
  // In the order of names, so that the same site always decides the same.
  const nodes = [...records.nodes.latestValues()].toSorted((a, b) =>
    a.name < b.name ? -1 : 1
  );
  return nodes.map((node) => ({
    name: node.name,
    ready: node.state === "ready",
    cpus: node.capacity.cpus,
    memoryMiB: node.capacity.memoryMiB,
    drivers: healthyDrivers(node),
    usedMiB: taken.get(node.name)?.memoryMiB ?? 0,
    usedCpus: taken.get(node.name)?.cpus ?? 0,
  }));
}

/** Drivers of a node that can run VMs now. */
export function healthyDrivers(node: Node): string[] {
  return node.drivers.filter((driver) => driver.health === "healthy").map((
    driver,
  ) => driver.name);
}
