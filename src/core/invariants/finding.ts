/**
 * What is wrong with the stored state, said of one record.
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";

/** Records that refer to each other, by kind. */
export interface Kinds {
  readonly vm: Vm;
  readonly node: Node;
  readonly operation: Operation;
  readonly request: RequestRecord;
  readonly "node-operation": NodeOperation;
}

/** What a record is. */
export type Kind = keyof Kinds;

/** One broken rule. */
export interface Finding {
  /** Of the closed list of rules; what the documentation calls it. */
  readonly rule: string;
  /** The record, as the store names it: kind and key. */
  readonly record: string;
  /** What is wrong, naming the record for people. */
  readonly text: string;
  /** What would be right. */
  readonly right: string;
  /**
   * `broken`: usher never writes such a state. `doubtful`: it does not by
   * itself, but what happens around it (a machine that shrank) can lead there.
   */
  readonly weight: "broken" | "doubtful";
}

/** A finding of weight `broken`. */
export function broken(
  rule: string,
  record: string,
  text: string,
  right: string,
): Finding {
  return { rule, record, text, right, weight: "broken" };
}

/** A finding of weight `doubtful`. */
export function doubtful(
  rule: string,
  record: string,
  text: string,
  right: string,
): Finding {
  return { rule, record, text, right, weight: "doubtful" };
}

/** How a finding names a record. */
export function recordName(kind: Kind, key: string): string {
  return `${kind} ${key}`;
}
