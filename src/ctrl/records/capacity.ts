/**
 * The picture of the site that placement decides on, kept in step with the
 * records.
 *
 * It is told of every record that is written, also before that is durable and
 * again when it did not become so, and looks at what the record is then. It
 * counts a VM where its record says that it lies, for a start that has not
 * begun its domain yet as well, at both ends of a migration until that is
 * over, and where an older copy of it is until that is ended.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import { Picture } from "../../core/placement/picture.ts";
import { planSteps } from "../../core/step.ts";
import { occupies } from "../../core/vm_machine.ts";
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Strategy } from "../../schema/placement.ts";
import type { Vm } from "../../schema/vm.ts";
import { Globs } from "../requests/globs.ts";
import { Holdings } from "./holdings.ts";
import { Quotas } from "./quotas.ts";

/** What an operation that runs holds for its VM. */
interface Hold {
  /** It turns the VM on. */
  readonly on: boolean;
  /** Where it may be besides: the ends of a migration. */
  readonly at: readonly string[];
}

/** The records that it is derived from. */
export interface Source {
  readonly vms: { latestValues(): Iterable<Vm> };
  readonly nodes: { latestValues(): Iterable<Node> };
  readonly operations: { latestValues(): Iterable<Operation> };
}

/** What nodes have, what their VMs take, and how one is chosen. */
export class Capacity {
  readonly picture: Picture = new Picture();
  /** Which of the nodes that can take a VM does; for whoever places next. */
  strategy: Strategy;
  readonly globs: Globs = new Globs();
  /** Who has which VMs, and what they take of quotas. */
  readonly holdings: Holdings = new Holdings();
  /** What of it they may have; no limits until it is loaded. */
  readonly quotas: Quotas = new Quotas(this.holdings);
  readonly #vms = new Map<string, Vm>();
  /** By VM, then by operation: one runs at a time, and no more are kept. */
  readonly #holds = new Map<string, Map<string, Hold>>();
  /** Nodes that report an older copy, by VM; no record tells of those. */
  readonly #copies = new Map<string, readonly string[]>();
  /** The VM of each operation that holds something. */
  readonly #holders = new Map<string, string>();

  constructor(strategy: Strategy) {
    this.strategy = strategy;
  }

  /** The same, made anew from what the records are now. */
  static of(source: Source, strategy: Strategy): Capacity {
    const made = new Capacity(strategy);
    for (const node of source.nodes.latestValues()) {
      made.nodeIs(node.name, node);
    }
    for (const vm of source.vms.latestValues()) made.vmIs(vm.uid, vm);
    for (const operation of source.operations.latestValues()) {
      made.operationIs(operation.id, operation);
    }
    return made;
  }

  /** A node's record is this now; undefined when it is gone. */
  nodeIs(name: string, node: Node | undefined): void {
    this.picture.setNode(name, node ?? null);
  }

  /** A VM's record is this now; undefined when it is gone. */
  vmIs(uid: string, vm: Vm | undefined): void {
    if (this.#vms.get(uid) === vm) return;
    const before = this.#vms.get(uid);
    if (before !== undefined) this.globs.count(before, -1);
    if (vm === undefined) this.#vms.delete(uid);
    else {
      this.#vms.set(uid, vm);
      this.globs.count(vm, 1);
    }
    this.#count(uid);
  }

  /** An operation's record is this now; undefined when it is gone. */
  operationIs(id: string, operation: Operation | undefined): void {
    const hold = operation === undefined ? null : holdOf(operation);
    const uid = operation?.uid ?? this.#holders.get(id);
    if (uid === undefined) return;
    const holds = this.#holds.get(uid);
    if (hold !== null) {
      this.#holders.set(id, uid);
      if (holds === undefined) this.#holds.set(uid, new Map([[id, hold]]));
      else holds.set(id, hold);
    } else {
      if (!this.#holders.delete(id)) return;
      holds?.delete(id);
      if (holds?.size === 0) this.#holds.delete(uid);
    }
    this.#count(uid);
  }

  /** An older copy of a VM, which takes its memory, is on these nodes now. */
  copiesAre(uid: string, nodes: readonly string[]): void {
    if (nodes.length > 0) this.#copies.set(uid, nodes);
    else if (!this.#copies.delete(uid)) return;
    this.#count(uid);
  }

  #count(uid: string): void {
    const vm = this.#vms.get(uid);
    const holds = [...this.#holds.get(uid)?.values() ?? []];
    const on = vm !== undefined &&
      (occupies(vm.status.state) || holds.some((hold) => hold.on));
    // One that usher owes a start keeps what it had: that start asks for nothing.
    this.holdings.vmIs(uid, vm, on || vm?.restarts?.due === true);
    // Where it lies first; the rest in an order that no history changes.
    const nodes = new Set(vm?.node == null ? [] : [vm.node]);
    const copies = this.#copies.get(uid) ?? [];
    const besides = [...holds.flatMap(({ at }) => at), ...copies].sort();
    for (const node of besides) nodes.add(node);
    if (vm === undefined || nodes.size === 0) {
      return this.picture.setResident(uid, null);
    }
    this.picture.setResident(uid, {
      uid,
      name: vm.name,
      nodes: [...nodes],
      memoryMiB: vm.spec.memoryMiB,
      vcpus: vm.spec.vcpus,
      on: on || copies.length > 0,
      apartFrom: vm.spec.placement.apartFrom,
      togetherWith: vm.spec.placement.togetherWith,
    });
  }
}

/** What an operation holds; null when it does not run, or takes nothing. */
function holdOf({ verb, state, from, to }: Operation): Hold | null {
  if (state === "pending" || isFinal(state)) return null;
  const on = planSteps(verb).includes("start");
  const at = [from, to].filter((node) => node !== null);
  return on || at.length > 0 ? { on, at } : null;
}

/** Drivers of a node that can run VMs now. */
export function healthyDrivers(node: Node): string[] {
  return node.drivers.filter((driver) => driver.health === "healthy").map((
    driver,
  ) => driver.name);
}
