/**
 * What filters may ask about VMs and nodes.
 *
 * @module
 */
import { splitVmName } from "../schema/name.ts";
import type { Node } from "../schema/node.ts";
import type { Vm } from "../schema/vm.ts";

/** What a filter may ask about VMs. */
export const VM_KEYS: readonly string[] = [
  "name",
  "cluster",
  "user",
  "state",
  "node",
  "driver",
  "vcpus",
  "memory",
  "reason",
  "uid",
];

/** What a filter may ask about nodes. */
export const NODE_KEYS: readonly string[] = [
  "name",
  "state",
  "version",
  "draining",
];

/** The field of a VM that a filter asks about. */
export function vmField(vm: Vm, key: string): string {
  switch (key) {
    case "name":
      return splitVmName(vm.name).vm;
    case "cluster":
      return splitVmName(vm.name).cluster;
    case "user":
      return splitVmName(vm.name).user;
    case "state":
      return vm.status.state;
    case "reason":
      return vm.status.reason;
    case "node":
      return vm.node ?? "";
    case "driver":
      return vm.spec.driver ?? "";
    case "vcpus":
      return String(vm.spec.vcpus);
    case "memory":
      return String(vm.spec.memoryMiB);
    default:
      return vm.uid;
  }
}

/** The field of a node that a filter asks about. */
export function nodeField(node: Node, key: string): string {
  switch (key) {
    case "state":
      return node.state;
    case "version":
      return node.version;
    case "draining":
      return String(node.draining);
    default:
      return node.name;
  }
}
