/**
 * The stored state as rules look at it: records, and who refers to whom.
 *
 * Whatever a rule asks is answered by an index, so that checking one record
 * costs the same in a site of ten VMs and of a hundred thousand.
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import { isFinal } from "../operation_machine.ts";
import type { Kind, Kinds } from "./finding.ts";
import { Groups } from "./groups.ts";

type Records = { readonly [K in Kind]: Map<string, Kinds[K]> };

/** Records with their indexes; changed by `set` alone. */
export class StoredState {
  readonly #records: Records = {
    vm: new Map(),
    node: new Map(),
    operation: new Map(),
    request: new Map(),
    "node-operation": new Map(),
  };
  /** Keys of VMs by name, by node and by incarnation. */
  readonly vmsNamed = new Groups();
  readonly vmsOn = new Groups();
  readonly vmsOfRun = new Groups();
  /** Keys of operations by request and by place in it; of open ones by VM and by target. */
  readonly operationsOf = new Groups();
  readonly operationsAt = new Groups();
  readonly openOn = new Groups();
  readonly openTo = new Groups();
  /** Keys of operations by the node operation that they are a part of. */
  readonly partsOf = new Groups();
  /** Keys of open node operations by their node. */
  readonly openAt = new Groups();
  /** Records (kind and key) by their revision. */
  readonly atRevision = new Groups<number>();
  /** No revision above it was ever given out; null when that is not known. */
  ceiling: number | null = null;

  get vms(): ReadonlyMap<string, Vm> {
    return this.#records.vm;
  }

  get nodes(): ReadonlyMap<string, Node> {
    return this.#records.node;
  }

  get operations(): ReadonlyMap<string, Operation> {
    return this.#records.operation;
  }

  get requests(): ReadonlyMap<string, RequestRecord> {
    return this.#records.request;
  }

  get nodeOperations(): ReadonlyMap<string, NodeOperation> {
    return this.#records["node-operation"];
  }

  /** The record of this kind and key. */
  get<K extends Kind>(kind: K, key: string): Kinds[K] | undefined {
    return this.#records[kind].get(key);
  }

  /** Keys of all records of a kind. */
  keys(kind: Kind): Iterable<string> {
    return this.#records[kind].keys();
  }

  /** Writes a record, or removes it (null). */
  set<K extends Kind>(kind: K, key: string, value: Kinds[K] | null): void {
    const old = this.#records[kind].get(key);
    if (old !== undefined) this.#index(kind, key, old, "remove");
    if (value === null) this.#records[kind].delete(key);
    else {
      this.#records[kind].set(key, value);
      this.#index(kind, key, value, "add");
    }
  }

  #index(
    kind: Kind,
    key: string,
    value: Kinds[Kind],
    what: "add" | "remove",
  ): void {
    if ("revision" in value) {
      this.atRevision[what](value.revision, `${kind} ${key}`);
    }
    if (kind === "vm") this.#indexVm(key, value as Vm, what);
    if (kind === "operation") {
      this.#indexOperation(key, value as Operation, what);
    }
    if (kind === "node-operation") {
      const { node, state } = value as NodeOperation;
      if (!isFinal(state)) this.openAt[what](node, key);
    }
  }

  #indexVm(key: string, vm: Vm, what: "add" | "remove"): void {
    this.vmsNamed[what](vm.name, key);
    if (vm.node !== null) this.vmsOn[what](vm.node, key);
    if (vm.status.incarnation !== null) {
      this.vmsOfRun[what](vm.status.incarnation, key);
    }
  }

  #indexOperation(
    key: string,
    operation: Operation,
    what: "add" | "remove",
  ): void {
    this.operationsOf[what](operation.request, key);
    this.operationsAt[what](placeOf(operation), key);
    if (operation.parent !== null) this.partsOf[what](operation.parent, key);
    if (isFinal(operation.state)) return;
    this.openOn[what](operation.uid, key);
    if (operation.to !== null) this.openTo[what](operation.to, key);
  }
}

/** A request's number of an operation, as one key. */
export function placeOf(
  { request, index }: Pick<Operation, "request" | "index">,
): string {
  return `${index} ${request}`;
}
