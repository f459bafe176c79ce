/**
 * What readers get: records with what is known of them only now.
 *
 * @module
 */
import { isFinal } from "../core/operation_machine.ts";
import type { NodeView, VmView } from "../schema/change.ts";
import type { CtrlConfig } from "../schema/config.ts";
import { dnsName } from "../schema/name.ts";
import type { Node } from "../schema/node.ts";
import type { Vm } from "../schema/vm.ts";
import { isoTime } from "../sys/clock.ts";
import type { Capacity } from "./records/capacity.ts";
import type { Records } from "./records/records.ts";
import type { NodeLinks } from "./nodes/node_links.ts";
import type { Runner } from "./operations/runner.ts";

/** What views are made of besides records. */
export interface ViewParts {
  readonly links: NodeLinks;
  readonly runner: Pick<Runner, "holderOf">;
  readonly records: Pick<Records, "operations">;
  /** Absent where names in DNS are the reader's to make. */
  readonly config?: Pick<CtrlConfig, "name_suffix">;
}

/** A VM with its usage and the operation that holds it. */
export function vmView(
  vm: Vm,
  { links, runner, records, config }: ViewParts,
): VmView {
  const usage = vm.node === null
    ? undefined
    : links.get(vm.node)?.vmUsage.get(vm.uid);
  const holder = runner.holderOf(vm.uid)?.id ?? null;
  // The lane is let go of after the write that ends the operation, and that
  // write is the last that tells of the VM: nobody would hear that it is free.
  const state = records.operations.get(holder ?? "")?.state;
  const isOver = state !== undefined && isFinal(state);
  const dns = dnsName(vm.name, config?.name_suffix ?? "");
  return {
    ...vm,
    usage: usage ?? null,
    holder: isOver ? null : holder,
    ...(dns === null ? {} : { dns }),
  };
}

/** A node with its usage and what its VMs take. */
export function nodeView(
  node: Node,
  links: NodeLinks,
  { picture }: Capacity,
): NodeView {
  const taken = picture.taken(node.name);
  const end = links.get(node.name)?.certificateEnd ?? null;
  return {
    ...node,
    usage: links.get(node.name)?.usage ?? null,
    vms: taken.vms,
    allocatedMiB: taken.memoryMiB,
    allocatedCpus: taken.cpus,
    clockAheadMs: links.get(node.name)?.clockAheadMs ?? null,
    certificateEndsAt: end === null ? null : isoTime(end),
  };
}
