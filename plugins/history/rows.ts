/**
 * What is written of each event.
 *
 * @module
 */
import type {
  Node,
  NodeUsage,
  PluginContext,
  Problem,
  Vm,
  VmUsage,
} from "@usher/plugin";
import type { Row } from "./tables.ts";

type Load = NonNullable<VmUsage["cpu"]>;

/** Events of VMs that tell how they are. */
export const VM_EVENTS = ["register", "unregister", "state_change"] as const;
/** Events of nodes. */
export const NODE_EVENTS = ["lnm_connect", "lnm_disconnect"] as const;
/** Verbs whose ends are written down. */
export const VERBS = [
  "start",
  "cycle",
  "migrate",
  "pause",
  "resume",
  "reboot",
  "shutdown",
  "poweroff",
] as const;

type Call = Pick<PluginContext, "event" | "decision" | "operation">;

/** How a VM is. */
export function vmRow(vm: Vm, call: Call, site: string, now: number): Row {
  const { state, reason, since } = vm.status;
  return {
    table: "vm_event",
    values: {
      site,
      id: call.decision,
      at: call.event === "state_change" ? since : isoOf(now),
      event: call.event,
      uid: vm.uid,
      vm: vm.name,
      state,
      reason,
      node: vm.node,
    },
  };
}

/** How a node is. */
export function nodeRow(node: Node, call: Call, site: string): Row {
  return {
    table: "node_event",
    values: {
      site,
      id: call.decision,
      at: node.since,
      event: call.event,
      node: node.name,
      state: node.state,
      version: node.version,
    },
  };
}

/** What an operation came to. */
export function operationRow(
  [vm, more]: readonly [Vm, (Problem | Node)?],
  call: Call,
  site: string,
  now: number,
): Row {
  const failure = call.event.endsWith("_failure") ? more as Problem : null;
  const from = call.event === "migrate" ? more as Node : null;
  return {
    table: "operation",
    values: {
      site,
      id: call.decision,
      at: isoOf(now),
      verb: call.event.replace(/_failure$/, ""),
      succeeded: failure === null ? 1 : 0,
      operation: call.operation,
      uid: vm.uid,
      vm: vm.name,
      node: vm.node,
      from_node: from?.name ?? null,
      error: failure?.code ?? null,
      detail: failure?.detail ?? null,
    },
  };
}

/** What VMs or nodes use at one moment. */
export function usageRows(
  kind: "vm" | "node",
  usage: Readonly<Record<string, VmUsage | NodeUsage>>,
  site: string,
  now: number,
): Row[] {
  return Object.entries(usage).map(([name, used]): Row => ({
    table: "usage_sample",
    values: {
      site,
      kind,
      name,
      at: isoOf(now),
      cpu: minute(used.cpu),
      memory_mib: used.memoryMiB,
      disk_read: minute(used.diskRead),
      disk_write: minute(used.diskWrite),
      net_rx: minute(used.netRx),
      net_tx: minute(used.netTx),
    },
  }));
}

/** How many rows were lost before this moment. */
export function gapRow(
  lost: number,
  id: string,
  site: string,
  now: number,
): Row {
  return { table: "gap", values: { site, id, at: isoOf(now), lost } };
}

function minute(load: Load | null): number | null {
  return load?.m1 ?? null;
}

function isoOf(now: number): string {
  return new Date(now).toISOString();
}
