/**
 * What must hold once all is quiet, and between the controller's memory and
 * its disk at any time.
 *
 * - `rebuilt`: what is in the controller's memory is what its disk would give.
 * - `truth`: once all is quiet, records say what the hypervisors have.
 * - `converges`: once all is quiet, watchers have what the records say.
 *
 * @module
 */
import type { Engine } from "../ctrl/engine.ts";
import { ClusterRecord } from "../schema/cluster.ts";
import { Node } from "../schema/node.ts";
import { NodeOperation } from "../schema/node_operation.ts";
import { Operation } from "../schema/operation.ts";
import { Vm } from "../schema/vm.ts";
import { isFinal } from "../core/operation_machine.ts";
import type { SimDisk } from "./disk.ts";
import type { Machine } from "./machine.ts";
import type { Violation } from "./violation.ts";
import type { Watcher } from "./watcher.ts";

/** Whether memory is what the disk would give after a restart; null when it is. */
export function lookAtRecords(
  { records }: Engine,
  disk: SimDisk,
): Violation | null {
  if (!disk.isIdle) return null;
  const tables = {
    vm: records.vms,
    node: records.nodes,
    operation: records.operations,
    request: records.requests,
    cluster: records.clusters,
    "node-operation": records.nodeOperations,
  };
  const seen = {
    vm: 0,
    node: 0,
    operation: 0,
    request: 0,
    cluster: 0,
    "node-operation": 0,
  };
  const decoder = new TextDecoder();
  for (const { key: [kind, id], bytes } of disk.records.values()) {
    if (!(typeof kind === "string" && kind in tables)) continue;
    const name = kind as keyof typeof tables;
    seen[name]++;
    const record = tables[name].get(String(id));
    // Both are replaced and never changed, so what was the same stays it.
    if (record !== undefined && compared.get(record) === bytes) continue;
    const inMemory = JSON.stringify(record);
    const onDisk = decoder.decode(bytes);
    if (inMemory === onDisk || isSame(record, read(name, onDisk))) {
      if (record !== undefined) compared.set(record, bytes);
      continue;
    }
    return {
      invariant: "rebuilt",
      text: `${name} ${id} is ${inMemory} in memory and ${onDisk} on disk`,
    };
  }
  for (const name of Object.keys(tables) as (keyof typeof tables)[]) {
    if (tables[name].size === seen[name]) continue;
    const text = `${tables[name].size} records of kind ${name} in memory, ${
      seen[name]
    } on disk`;
    return { invariant: "rebuilt", text };
  }
  return null;
}

/** Records that were found the same on disk, and what was there. */
const compared = new WeakMap<object, Uint8Array>();

/** A record as a controller that starts would read it. */
function read(kind: string, onDisk: string): unknown {
  const value: unknown = JSON.parse(onDisk);
  switch (kind) {
    case "vm":
      return Vm.parse(value);
    case "cluster":
      return ClusterRecord.parse(value);
    case "node":
      return Node.parse(value);
    case "operation":
      return Operation.parse(value);
    case "node-operation":
      return NodeOperation.parse(value);
    default:
      return value;
  }
}

/** Whether two records say the same, whatever the order of their keys. */
function isSame(a: unknown, b: unknown): boolean {
  return a !== undefined && canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part: unknown) =>
      typeof part !== "object" || part === null || Array.isArray(part)
        ? part
        : Object.fromEntries(
          Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1),
        ),
  );
}

/** Whether records say what hypervisors have; null when they do. */
export function lookAtTruth(
  { records }: Engine,
  machines: readonly Machine[],
): Violation | null {
  const domains = new Map<string, string>();
  for (const { name, hypervisor } of machines) {
    for (const { uid, phase, held } of hypervisor?.all() ?? []) {
      // An older copy that its guard froze may be all there is of a VM.
      const vm = records.vms.get(uid ?? "");
      const isKept = held === true && vm?.node !== name &&
        vm?.status.state === "absent";
      if (!isKept) domains.set(`${uid} ${name}`, phase);
    }
  }
  for (const vm of records.vms.values()) {
    const key = `${vm.uid} ${vm.node}`;
    const phase = domains.get(key) ?? "absent";
    domains.delete(key);
    const isGone = phase === "absent" &&
      (vm.status.state === "stopped" || vm.status.state === "crashed");
    if (vm.status.state === phase || isGone) continue;
    const text =
      `VM ${vm.name} is ${vm.status.state} on ${vm.node} by the records, and ${phase} there`;
    return { invariant: "truth", text };
  }
  const [left] = domains;
  if (left === undefined) return null;
  return {
    invariant: "truth",
    text: `no record knows of domain ${left[0]}, which is ${left[1]}`,
  };
}

/** Whether `watcher` has what the records say; null when it has. */
export function lookAtWatcher(
  { records }: Engine,
  watcher: Watcher,
): Violation | null {
  const wanted = new Map<string, number>();
  for (const vm of records.vms.values()) {
    wanted.set(`vm ${vm.uid}`, vm.revision);
  }
  for (const node of records.nodes.values()) {
    wanted.set(`node ${node.name}`, node.revision);
  }
  for (const cluster of records.clusters.values()) {
    wanted.set(`cluster ${cluster.name}`, cluster.revision);
  }
  for (const operation of records.operations.values()) {
    if (isFinal(operation.state)) continue;
    wanted.set(`operation ${operation.id}`, operation.revision);
  }
  for (const { id, state, revision } of records.nodeOperations.values()) {
    if (!isFinal(state)) wanted.set(`node-operation ${id}`, revision);
  }
  for (const [key, revision] of wanted) {
    if (watcher.copies.get(key) === revision) continue;
    const text = `${watcher.name} has revision ${
      watcher.copies.get(key)
    } of ${key}, which is at ${revision}`;
    return { invariant: "converges", text };
  }
  for (const key of watcher.copies.keys()) {
    // Watchers keep operations that have ended as long as they like.
    if (wanted.has(key) || key.includes("operation ")) continue;
    const text = `${watcher.name} still has ${key}, which is gone`;
    return { invariant: "converges", text };
  }
  return null;
}
