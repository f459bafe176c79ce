/**
 * Live copies of what a client may see, and what changed in them.
 *
 * Copies are kept by name, as people call things, and known by id, so that the
 * end of a VM never takes away a new one of the same name. After a break too
 * long to be made up for, what a new snapshot shows is held against the copies,
 * and the differences are told like any other change.
 *
 * @module
 */
import type { NodeView, VmView } from "../../schema/change.ts";
import type { ClusterView } from "../../schema/cluster.ts";
import type { Operation } from "../../schema/operation.ts";
import type { VmState } from "../../schema/vm.ts";
import type { Change } from "../watch.ts";

/** What can be kept, by the kinds of the change stream. */
export interface Kinds {
  readonly vm: VmView;
  readonly node: NodeView;
  readonly cluster: ClusterView;
  readonly operation: Operation;
}

/** The name of a kind that can be kept. */
export type Kind = keyof Kinds;

/** One thing that changed: `before` is null for what is new, `now` for what is gone. */
export type Difference = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly name: string;
    readonly before: Kinds[K] | null;
    readonly now: Kinds[K] | null;
    /** What happened, in words; empty for what was found after a break. */
    readonly note: string;
  };
}[Kind];

/** Arguments of the callbacks, by event. */
export type LiveEvents = {
  /** The copies are complete; once. */
  readonly ready: readonly [];
  /** A VM is new to this client. */
  readonly register: readonly [vm: VmView];
  readonly unregister: readonly [vm: VmView];
  readonly state_change: readonly [vm: VmView, before: VmState];
  /** Anything of a VM changed, its state or not. */
  readonly vm_change: readonly [vm: VmView, before: VmView];
  readonly node_register: readonly [node: NodeView];
  readonly node_unregister: readonly [node: NodeView];
  readonly node_change: readonly [node: NodeView, before: NodeView];
  readonly cluster_register: readonly [cluster: ClusterView];
  readonly cluster_unregister: readonly [cluster: ClusterView];
  readonly cluster_change: readonly [cluster: ClusterView, before: ClusterView];
  /** An operation began, went on or ended; where `kinds` has `operation`. */
  readonly operation: readonly [operation: Operation, note: string];
  /** Every difference, before the callbacks of its kind. */
  readonly change: readonly [difference: Difference];
  /** The connection broke; it is sought again. The copies stay as they are. */
  readonly lost: readonly [error: unknown];
  /** The copies are as the controller has them again. */
  readonly back: readonly [];
  /** It is over: closed (null), or given up with an error. */
  readonly end: readonly [error: unknown];
};

/** Tells one event. */
export type Emit = <K extends keyof LiveEvents>(
  event: K,
  ...args: LiveEvents[K]
) => void;

interface Copy {
  readonly kind: Kind;
  readonly id: string;
  readonly value: Kinds[Kind];
}

/** The copies, kept up by the lines of the change stream. */
export class Copies {
  readonly #held: Readonly<Record<Kind, Map<string, Kinds[Kind]>>> = {
    vm: new Map(),
    node: new Map(),
    cluster: new Map(),
    operation: new Map(),
  };
  #snapshot: Map<string, Copy> | null = null;
  #complete = false;
  readonly #emit: Emit;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Whether a first snapshot was complete. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** The copies of a kind, by full name; operations by id. */
  of<K extends Kind>(kind: K): ReadonlyMap<string, Kinds[K]> {
    return this.#held[kind] as Map<string, Kinds[K]>;
  }

  /** Takes a line of the stream. */
  take(change: Change): void {
    if (change.type === "hello") {
      const snapshotFollows = change.reset || !this.#complete;
      this.#snapshot = snapshotFollows ? new Map() : null;
    } else if (change.type === "synced") {
      this.#synced();
    } else if (!(change.kind in this.#held)) {
      return;
    } else if (change.type === "delete") {
      this.#remove(change.kind as Kind, change.name, change.id, "gone");
    } else {
      const copy = copyOf(change.kind as Kind, change.value);
      if (change.type === "put") this.#put(copy, change.note);
      else this.#snapshot?.set(`${copy.kind} ${nameOf(copy)}`, copy);
    }
  }

  #synced(): void {
    const found = this.#snapshot;
    this.#snapshot = null;
    const first = !this.#complete;
    this.#complete = true;
    if (found !== null && !first) this.#dropMissing(found);
    for (const copy of found?.values() ?? []) {
      if (first) this.#held[copy.kind].set(nameOf(copy), copy.value);
      else this.#put(copy, "");
    }
    this.#emit(first ? "ready" : "back");
  }

  #dropMissing(found: ReadonlyMap<string, Copy>): void {
    for (const kind of Object.keys(this.#held) as Kind[]) {
      for (const [name, value] of [...this.#held[kind]]) {
        const { id } = copyOf(kind, value);
        if (found.get(`${kind} ${name}`)?.id !== id) {
          this.#remove(kind, name, id, "");
        }
      }
    }
  }

  #put(copy: Copy, note: string): void {
    const name = nameOf(copy);
    const held = this.#held[copy.kind];
    const before = held.get(name) ?? null;
    // The snapshot after a break may hold what is known.
    if (note === "" && before?.revision === copy.value.revision) {
      held.set(name, copy.value);
      return;
    }
    held.set(name, copy.value);
    this.#tell(
      { kind: copy.kind, name, before, now: copy.value, note } as Difference,
    );
    if (copy.kind === "operation" && hasEnded(copy.value as Operation)) {
      held.delete(name);
    }
  }

  #remove(kind: Kind, name: string, id: string, note: string): void {
    const held = this.#held[kind];
    const key = kind === "operation" ? id : name;
    const before = held.get(key);
    if (before === undefined || copyOf(kind, before).id !== id) return;
    held.delete(key);
    this.#tell({ kind, name: key, before, now: null, note } as Difference);
  }

  #tell(difference: Difference): void {
    this.#emit("change", difference);
    if (difference.kind === "vm") this.#tellVm(difference);
    if (difference.kind === "node") this.#tellNode(difference);
    if (difference.kind === "cluster") this.#tellCluster(difference);
    if (difference.kind === "operation" && difference.now !== null) {
      this.#emit("operation", difference.now, difference.note);
    }
  }

  #tellVm({ before, now }: Extract<Difference, { kind: "vm" }>): void {
    if (now === null) {
      if (before !== null) this.#emit("unregister", before);
    } else if (before === null) {
      this.#emit("register", now);
    } else {
      if (before.status.state !== now.status.state) {
        this.#emit("state_change", now, before.status.state);
      }
      this.#emit("vm_change", now, before);
    }
  }

  #tellNode({ before, now }: Extract<Difference, { kind: "node" }>): void {
    if (now === null) {
      if (before !== null) this.#emit("node_unregister", before);
    } else if (before === null) this.#emit("node_register", now);
    else this.#emit("node_change", now, before);
  }

  #tellCluster(
    { before, now }: Extract<Difference, { kind: "cluster" }>,
  ): void {
    if (now === null) {
      if (before !== null) this.#emit("cluster_unregister", before);
    } else if (before === null) this.#emit("cluster_register", now);
    else this.#emit("cluster_change", now, before);
  }
}

function copyOf(kind: Kind, value: unknown): Copy {
  const named = value as { uid?: string; id?: string; name?: string };
  const id = kind === "vm"
    ? named.uid
    : kind === "operation"
    ? named.id
    : named.name;
  return { kind, id: id ?? "", value: value as Kinds[Kind] };
}

function nameOf({ id, value }: Copy): string {
  return "name" in value ? value.name : id;
}

function hasEnded({ state }: Operation): boolean {
  return ["succeeded", "failed", "cancelled"].includes(state);
}
