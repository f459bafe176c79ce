/**
 * A write: one record as it should be, what the store is told for that, and
 * what those who watch are told once it is durable.
 *
 * @module
 */
import type { ChangeKind } from "../../schema/change.ts";
import type { ClusterRecord } from "../../schema/cluster.ts";
import type { Node } from "../../schema/node.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import { keys } from "../../store/key.ts";
import type { Key, Mutation } from "../../store/store.ts";

/** One record to write; `value: null` deletes. */
export type Write =
  | {
    readonly kind: "vm";
    readonly key: string;
    readonly value: Vm | null;
    readonly note?: string;
  }
  | {
    readonly kind: "node";
    readonly key: string;
    readonly value: Node | null;
    readonly note?: string;
  }
  | {
    readonly kind: "operation";
    readonly key: string;
    readonly value: Operation | null;
    readonly note?: string;
    /** The VM that it is about, where no record holds that: what is told of it needs one. */
    readonly vm?: Vm;
  }
  | {
    readonly kind: "node-operation";
    readonly key: string;
    readonly value: NodeOperation | null;
    readonly note?: string;
  }
  | {
    readonly kind: "request";
    readonly key: string;
    readonly value: RequestRecord | null;
  }
  | {
    readonly kind: "cluster";
    readonly key: string;
    readonly value: ClusterRecord | null;
    readonly note?: string;
  };

/** A change that became durable. */
export interface Change {
  readonly kind: ChangeKind;
  readonly revision: number;
  readonly id: string;
  readonly name: string;
  readonly note: string;
  readonly value: Vm | Node | Operation | NodeOperation | ClusterRecord | null;
  /** Of a cluster: what it was, since a share that ended hides its VMs. */
  readonly before?: ClusterRecord | undefined;
}

/** The write of the revision that none given out is above. */
export function ceilingMutation(value: number): Mutation {
  return { type: "set", key: keys.meta("revision"), value };
}

/** What the store is told for a write. */
export function mutationOf(write: Write): Mutation {
  const key = keyOf(write);
  return write.value === null
    ? { type: "delete", key }
    : { type: "set", key, value: write.value };
}

function keyOf(write: Write): Key {
  switch (write.kind) {
    case "vm":
      return keys.vm(write.key);
    case "node":
      return keys.node(write.key);
    case "operation":
      return keys.operation(write.key);
    case "node-operation":
      return keys.nodeOperation(write.key);
    case "request":
      return keys.request(write.key);
    case "cluster":
      return keys.cluster(write.key);
  }
}

/** What a record is called where it is told of. */
export function nameOf(
  key: string,
  value: NonNullable<Change["value"]> | undefined,
): string {
  if (value === undefined) return key;
  if ("vm" in value) return value.vm;
  return "name" in value ? value.name : value.node;
}
