/**
 * What readers get: records with what is known of them only now.
 *
 * @module
 */
import type { NodeView, VmView } from "../schema/change.ts";
import type { Node } from "../schema/node.ts";
import type { Vm } from "../schema/vm.ts";
import type { Capacity } from "./records/capacity.ts";
import type { NodeLinks } from "./nodes/node_links.ts";
import type { Runner } from "./operations/runner.ts";

/** A VM with its usage and the operation that holds it. */
export function vmView(vm: Vm, links: NodeLinks, runner: Runner): VmView {
  const usage = vm.node === null
    ? undefined
    : links.get(vm.node)?.vmUsage.get(vm.uid);
  return {
    ...vm,
    usage: usage ?? null,
    holder: runner.holderOf(vm.uid)?.id ?? null,
  };
}

/** A node with its usage and what its VMs take. */
export function nodeView(
  node: Node,
  links: NodeLinks,
  { picture }: Capacity,
): NodeView {
  const taken = picture.taken(node.name);
  return {
    ...node,
    usage: links.get(node.name)?.usage ?? null,
    vms: taken.vms,
    allocatedMiB: taken.memoryMiB,
    allocatedCpus: taken.cpus,
    clockAheadMs: links.get(node.name)?.clockAheadMs ?? null,
  };
}
