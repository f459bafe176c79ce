/**
 * The controller's records: all of them in memory, all of them durable.
 *
 * This is the only way to change them: `write` hands every change to the
 * store as one commit, and once that is durable updates what readers see and
 * tells the change stream, in order. A commit that fails changes nothing.
 *
 * @module
 */
import { ClusterRecord } from "../../schema/cluster.ts";
import { Node } from "../../schema/node.ts";
import { NodeOperation } from "../../schema/node_operation.ts";
import { Operation, type Progress } from "../../schema/operation.ts";
import { RequestRecord } from "../../schema/stored.ts";
import { Vm } from "../../schema/vm.ts";
import { keys } from "../../store/key.ts";
import type { Strategy } from "../../schema/placement.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { Capacity } from "./capacity.ts";
import { withClusters } from "./clusters.ts";
import type { Before, Stamped } from "../events/seen.ts";
import type { Telling } from "../events/telling.ts";
import { OperationIndex } from "./operation_index.ts";
import { Table } from "./table.ts";
import { VmNames } from "./vm_names.ts";
import {
  ceilingMutation,
  type Change,
  mutationOf,
  nameOf,
  type Write,
} from "./write.ts";

export type { Change, Write };

/** Revisions are promised in blocks, so that a restart never repeats one. */
const REVISION_BLOCK = 100_000;

/** The controller's tables. */
export class Records {
  readonly vms = new Table<Vm>();
  readonly nodes = new Table<Node>();
  readonly operations = new Table<Operation>();
  readonly requests = new Table<RequestRecord>();
  readonly nodeOperations = new Table<NodeOperation>();
  readonly clusters = new Table<ClusterRecord>();
  /** The newest view of names, also of writes that are not durable yet. */
  readonly names = new VmNames();
  /** What nodes have left, also after writes that are not durable yet. */
  readonly capacity: Capacity;
  readonly #index = new OperationIndex();
  /** The newest view of each record, for what is told of its change. */
  readonly #newest: Before = {
    vm: (uid) => this.vms.latest(uid),
    node: (name) => this.nodes.latest(name),
    operation: (id) => this.operations.latest(id),
    request: (id) => this.requests.latest(id),
    cluster: (name) => this.clusters.latest(name),
  };
  /** How far steps have come; nothing of it is stored. */
  readonly #progress = new Map<string, Progress>();
  readonly #store: Store;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #telling: Telling | null = null;
  #revision = 0;
  /** No revision above it was ever given out, also not before a crash. */
  #ceiling = 0;

  private constructor(store: Store, strategy: Strategy) {
    this.#store = store;
    this.capacity = new Capacity(strategy);
  }

  /** Reads everything that `store` holds. */
  static async load(
    store: Store,
    strategy: Strategy = "spread",
  ): Promise<Records> {
    const records = new Records(store, strategy);
    for await (const { value } of store.list(keys.nodes())) {
      const node = Node.parse(value);
      records.nodes.load(node.name, node);
      records.capacity.nodeIs(node.name, node);
    }
    for await (const { value } of store.list(keys.vms())) {
      const vm = Vm.parse(value);
      records.vms.load(vm.uid, vm);
      records.names.set(vm.name, vm.uid);
      records.capacity.vmIs(vm.uid, vm);
    }
    for await (const { value } of store.list(keys.requests())) {
      const request = RequestRecord.parse(value);
      records.requests.load(request.id, request);
    }
    for await (const { value } of store.list(keys.operations())) {
      const operation = Operation.parse(value);
      records.operations.load(operation.id, operation);
      records.#index.add(operation);
      records.#index.note(operation.id, operation);
      records.capacity.operationIs(operation.id, operation);
    }
    for await (const { value } of store.list(keys.nodeOperations())) {
      const operation = NodeOperation.parse(value);
      records.nodeOperations.load(operation.id, operation);
    }
    for await (const { value } of store.list(keys.clusters())) {
      const cluster = ClusterRecord.parse(value);
      records.clusters.load(cluster.name, cluster);
    }
    const ceiling = await store.get(keys.meta("revision"));
    records.#revision = typeof ceiling === "number" ? ceiling : 0;
    const first = records.#revision + REVISION_BLOCK;
    await store.commit([ceilingMutation(first)]);
    records.#ceiling = first;
    return records;
  }

  /** Operation ids of a request, in its order. */
  get byRequest(): Map<string, string[]> {
    return this.#index.byRequest;
  }

  /** Ids of what a node operation is made of, or plugins asked for in an operation, in their order. */
  get byParent(): Map<string, Set<string>> {
    return this.#index.byParent;
  }

  /** From now on every write is told of as `telling` says. */
  tellThrough(telling: Telling): void {
    this.#telling = telling;
  }

  /** The revision of the newest change. */
  get revision(): number {
    return this.#revision;
  }

  /** The VM that has this full name, durable or not. */
  byName(name: string): Vm | undefined {
    const uid = this.names.uidOf(name);
    return uid === undefined ? undefined : this.vms.latest(uid);
  }

  /** An operation as readers get it: with how far its step has come. */
  withProgress(operation: Operation): Operation {
    const progress = this.#progress.get(operation.id);
    return progress === undefined ? operation : { ...operation, progress };
  }

  /**
   * Tells watchers how far an operation's step has come. Nothing is written:
   * the next step, or the end of the controller, forgets it.
   */
  announce(id: string, progress: Progress): void {
    // A revision is never given out that a restart could give out again.
    const mayGiveOut = this.#revision + 1 < this.#ceiling;
    if (!this.#index.isOpen(id) || !mayGiveOut) return;
    this.#progress.set(id, progress);
    const revision = ++this.#revision;
    // Empty, so it costs nothing, and keeps its place among the revisions.
    this.#store.commit([]).then(() => {
      const operation = this.operations.get(id);
      if (operation === undefined || this.#progress.get(id) !== progress) {
        return;
      }
      this.#tell([{
        kind: "operation",
        revision,
        id,
        name: operation.vm,
        note: `${operation.verb} ${operation.step ?? operation.state}`,
        value: this.withProgress(operation),
      }]);
    }, () => {});
  }

  /** Calls `listener` after every durable commit; returns how to stop that. */
  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Writes records as one commit and resolves once it is durable. Decisions
   * see the new values at once, readers and watchers after it is durable.
   */
  async write(
    writes: readonly Write[],
    extra: readonly Mutation[] = [],
  ): Promise<void> {
    const all = withClusters(writes, this.vms, this.clusters);
    const stamped = all.map((write) => this.#stamp(write));
    // Before the drafts, which are what the records become.
    const told = this.#telling?.newsOf(stamped, this.#newest) ?? [];
    const tickets = stamped.map(({ write }) => this.#draft(write));
    const ceiling = this.#revision + REVISION_BLOCK / 2 > this.#ceiling
      ? this.#revision + REVISION_BLOCK
      : null;
    try {
      await this.#store.commit([
        ...stamped.map(({ write }) => mutationOf(write)),
        ...extra,
        ...this.#telling?.mutations(told) ?? [],
        // With the very revisions that need it, so that it cannot fail alone.
        ...(ceiling === null ? [] : [ceilingMutation(ceiling)]),
      ]);
    } catch (error) {
      stamped.forEach(({ write }, i) => this.#undo(write, tickets[i] ?? 0));
      this.#telling?.failed(told);
      throw error;
    }
    if (ceiling !== null) this.#ceiling = Math.max(this.#ceiling, ceiling);
    const changes = stamped.flatMap((write, i) =>
      this.#settle(write, tickets[i] ?? 0)
    );
    if (changes.length > 0) this.#tell(changes);
    this.#telling?.durable(told);
  }

  /** Every record of the state, also those without a table; see `Store`. */
  snapshot(): AsyncIterable<Mutation> {
    return this.#store.snapshot();
  }

  /** Which controller this is: each one that takes the state over has a higher one. */
  get epoch(): number {
    return this.#store.holder.epoch;
  }

  /** Writes keys that have no table. */
  commit(mutations: readonly Mutation[]): Promise<void> {
    return this.#store.commit(mutations);
  }

  #tell(changes: readonly Change[]): void {
    for (const listener of this.#listeners) listener(changes);
  }

  #stamp(write: Write): Stamped {
    if (write.kind === "request") return { write, revision: 0 };
    const revision = ++this.#revision;
    if (write.value === null) return { write, revision };
    return {
      write: { ...write, value: { ...write.value, revision } } as Write,
      revision,
    };
  }

  #draft(write: Write): number {
    if (write.kind === "vm") this.#indexName(write.key, write.value);
    if (write.kind === "operation") this.#index.note(write.key, write.value);
    if (write.kind === "operation" && write.value !== null) {
      this.#index.add(write.value);
    }
    const ticket = this.#table(write).draft(write.key, write.value);
    this.#tellCapacity(write);
    return ticket;
  }

  #settle({ write, revision }: Stamped, ticket: number): Change[] {
    const table = this.#table(write);
    const old = table.get(write.key);
    table.settle(write.key, write.value, ticket);
    // Of the step before.
    if (write.kind === "operation") this.#progress.delete(write.key);
    // A later write may have failed meanwhile: then this is the newest again.
    this.#tellCapacity(write);
    if (write.kind === "request") {
      // Only now: until all its operations are gone, a request must be found.
      if (write.value === null) this.byRequest.delete(write.key);
      return [];
    }
    if (write.kind === "operation" && write.value === null) {
      this.#index.unlink(old as Operation | undefined);
    }
    const named = (write.value ?? old) as Change["value"] | undefined;
    return [{
      kind: write.kind,
      revision,
      id: write.key,
      name: nameOf(write.key, named ?? undefined),
      note: write.note ?? "",
      value: write.value,
      ...(write.kind === "cluster"
        ? { before: old as ClusterRecord | undefined }
        : {}),
    }];
  }

  #undo(write: Write, ticket: number): void {
    this.#table(write).discard(write.key, ticket);
    if (write.kind === "operation") {
      this.#index.note(write.key, this.operations.latest(write.key) ?? null);
    }
    this.#tellCapacity(write);
    if (write.kind === "vm") {
      if (write.value !== null && this.vms.latest(write.key) === undefined) {
        this.names.delete(write.value.name);
      }
      const kept = this.vms.latest(write.key);
      if (kept !== undefined) this.names.set(kept.name, kept.uid);
    }
    if (
      write.kind === "operation" && write.value !== null &&
      this.operations.latest(write.key) === undefined
    ) {
      this.byRequest.delete(write.value.request);
      this.#index.unlink(write.value);
    }
  }

  /** Lets capacity look at what a record is now. */
  #tellCapacity(write: Write): void {
    const { capacity } = this;
    if (write.kind === "vm") {
      capacity.vmIs(write.key, this.vms.latest(write.key));
    } else if (write.kind === "node") {
      capacity.nodeIs(write.key, this.nodes.latest(write.key));
    } else if (write.kind === "operation") {
      capacity.operationIs(write.key, this.operations.latest(write.key));
    }
  }

  #table(write: Write): Table<unknown> {
    switch (write.kind) {
      case "vm":
        return this.vms as Table<unknown>;
      case "node":
        return this.nodes as Table<unknown>;
      case "operation":
        return this.operations as Table<unknown>;
      case "request":
        return this.requests as Table<unknown>;
      case "node-operation":
        return this.nodeOperations as Table<unknown>;
      case "cluster":
        return this.clusters as Table<unknown>;
    }
  }

  #indexName(uid: string, vm: Vm | null): void {
    const old = this.vms.latest(uid);
    if (old !== undefined && old.name !== vm?.name) {
      this.names.delete(old.name);
    }
    if (vm !== null) this.names.set(vm.name, uid);
  }
}
