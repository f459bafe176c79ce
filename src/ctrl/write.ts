/**
 * A write: one record as it should be, and what the store is told for that.
 *
 * @module
 */
import type { Node } from "../schema/node.ts";
import type { Operation } from "../schema/operation.ts";
import type { RequestRecord } from "../schema/stored.ts";
import type { Vm } from "../schema/vm.ts";
import { keys } from "../store/key.ts";
import type { Key, Mutation } from "../store/store.ts";

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
  }
  | {
    readonly kind: "request";
    readonly key: string;
    readonly value: RequestRecord | null;
  };

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
    case "request":
      return keys.request(write.key);
  }
}
