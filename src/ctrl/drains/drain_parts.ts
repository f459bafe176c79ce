/**
 * What drains work with, and how they look at the records.
 *
 * @module
 */
import { told } from "../../core/drain.ts";
import { isFinal } from "../../core/operation_machine.ts";
import type { CtrlConfig } from "../../schema/config.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { CtrlContext } from "../context.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records, Write } from "../records/records.ts";
import type { Requests } from "../requests/requests.ts";

/** What drains work with. */
export interface DrainParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly requests: Requests;
  readonly runner: Runner;
  readonly nodes: Nodes;
  /** How much drains do at the same time. */
  readonly limits: () => CtrlConfig["drain"];
}

/** The write of a node operation, with how far it has come for people. */
export function nodeOperationWrite(operation: NodeOperation): Write {
  const { id, verb, state } = operation;
  const how = state === "running" ? told(operation) : state;
  return {
    kind: "node-operation",
    key: id,
    value: operation,
    note: `${verb}: ${how}`,
  };
}

/** VMs whose records name a node, durable or not, in the order of their names. */
export function vmsOf(records: Records, node: string): Vm[] {
  return [...records.vms.latestValues()].filter((vm) => vm.node === node)
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The operations that a node operation is made of, as decisions see them. */
export function childrenOf(records: Records, id: string): Operation[] {
  return [...records.byParent.get(id) ?? []].flatMap((child) =>
    records.operations.latest(child) ?? []
  );
}

/** Nodes to which as many VMs are on their way as may be. */
export function saturated({ records, limits }: DrainParts): string[] {
  const coming = new Map<string, number>();
  for (const drain of records.nodeOperations.latestValues()) {
    if (isFinal(drain.state)) continue;
    for (const { to, state } of childrenOf(records, drain.id)) {
      if (to === null || isFinal(state)) continue;
      coming.set(to, (coming.get(to) ?? 0) + 1);
    }
  }
  return [...coming].filter(([, count]) => count >= limits().per_target)
    .map(([node]) => node);
}
