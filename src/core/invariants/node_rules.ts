/**
 * What must hold of every node's record: above all that usher has promised no
 * more of it than there is.
 *
 * @module
 */
import { isFoundName } from "../../schema/name.ts";
import type { Node } from "../../schema/node.ts";
import type { Vm } from "../../schema/vm.ts";
import { occupies } from "../vm_machine.ts";
import { doubtful, type Finding, recordName } from "./finding.ts";
import type { StoredState } from "./state.ts";

const TURNS_ON: ReadonlySet<string> = new Set(["start", "cycle", "reboot"]);

/** What is wrong with the node under `key`. */
export function checkNode(
  key: string,
  node: Node,
  state: StoredState,
): Finding[] {
  const promised = promisedMiB(key, state);
  const limit = Math.floor(node.capacity.memoryMiB * memoryRatio(node));
  if (promised <= limit) return [];
  return [
    doubtful(
      "node-capacity",
      recordName("node", key),
      `Node "${key}" has promised ${promised} MiB to VMs, of ${limit} MiB`,
      `${limit} MiB at most, unless the machine shrank; move some VMs away`,
    ),
  ];
}

function memoryRatio(node: Node & { overcommit?: { memory: number } }): number {
  return node.overcommit?.memory ?? 1;
}

/** Memory of a node that VMs of usher's have, or are about to. */
function promisedMiB(node: string, state: StoredState): number {
  let sum = 0;
  for (const uid of state.vmsOn.get(node)) {
    const vm = state.get("vm", uid);
    // What usher did not make it did not place either.
    if (vm === undefined || isFoundName(vm.name)) continue;
    if (occupies(vm.status.state) || isStarting(uid, state)) {
      sum += vm.spec.memoryMiB;
    }
  }
  for (const vm of arriving(node, state)) sum += vm.spec.memoryMiB;
  return sum;
}

function isStarting(uid: string, state: StoredState): boolean {
  for (const id of state.openOn.get(uid)) {
    const operation = state.get("operation", id);
    if (operation === undefined || operation.state === "pending") continue;
    if (TURNS_ON.has(operation.verb)) return true;
  }
  return false;
}

/** VMs that are on elsewhere and on their way to this node. */
function* arriving(node: string, state: StoredState): Generator<Vm> {
  for (const id of state.openTo.get(node)) {
    const operation = state.get("operation", id);
    if (operation === undefined || operation.state === "pending") continue;
    const vm = state.get("vm", operation.uid);
    if (vm === undefined || vm.node === node) continue;
    if (occupies(vm.status.state)) yield vm;
  }
}
