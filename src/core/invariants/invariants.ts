/**
 * Every invariant of the stored state, whole and one change at a time.
 *
 * A finding belongs to one record, and a rule about one record looks at
 * others only through the indexes of `StoredState`. So a change can break
 * nothing but the records that `affected` names: checking those after every
 * change finds what checking all of them would (a property test holds the two
 * against each other).
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { NodeOperation } from "../../schema/node_operation.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import { checkChange } from "./change_rules.ts";
import {
  broken,
  type Finding,
  type Kind,
  type Kinds,
  recordName,
} from "./finding.ts";
import { checkNodeOperation } from "./node_operation_rules.ts";
import { checkNode } from "./node_rules.ts";
import { checkOperation } from "./operation_rules.ts";
import { checkRequest } from "./request_rules.ts";
import { placeOf, StoredState } from "./state.ts";
import { checkVm } from "./vm_rules.ts";

export type { Finding, Kind, Kinds };
export { StoredState };

const KINDS: readonly Kind[] = [
  "vm",
  "node",
  "operation",
  "request",
  "node-operation",
];

/** What is wrong with the whole state. */
export function* checkAll(state: StoredState): Generator<Finding> {
  for (const kind of KINDS) {
    for (const key of state.keys(kind)) yield* checkRecord(kind, key, state);
  }
}

/** What is wrong with one record; nothing when it is not there. */
export function checkRecord(
  kind: Kind,
  key: string,
  state: StoredState,
): Finding[] {
  const value = state.get(kind, key);
  if (value === undefined) return [];
  return [
    ...checkRevision(kind, key, value, state),
    ...checkByKind(kind, key, value, state),
  ];
}

function checkByKind(
  kind: Kind,
  key: string,
  value: Kinds[Kind],
  state: StoredState,
): Finding[] {
  switch (kind) {
    case "vm":
      return checkVm(key, value as Vm, state);
    case "node":
      return checkNode(key, value as Node, state);
    case "operation":
      return checkOperation(key, value as Operation, state);
    case "request":
      return checkRequest(key, value as RequestRecord, state);
    case "node-operation":
      return checkNodeOperation(key, value as NodeOperation, state);
  }
}

/** A revision is given to one record, once, and is never above the ceiling. */
function checkRevision(
  kind: Kind,
  key: string,
  value: Kinds[Kind],
  { ceiling, atRevision }: StoredState,
): Finding[] {
  if (!("revision" in value)) return [];
  const { revision } = value;
  const record = recordName(kind, key);
  const found: Finding[] = [];
  if (ceiling !== null && revision > ceiling) {
    found.push(broken(
      "revision-ceiling",
      record,
      `The revision of ${record} is ${revision}, above the ceiling ${ceiling}`,
      "a ceiling that is written before any revision below it",
    ));
  }
  const twins = [...atRevision.get(revision)].filter((one) => one !== record);
  if (twins.length > 0) {
    found.push(broken(
      "revision-unique",
      record,
      `The revision of ${record} is ${revision}, and so is that of ${
        twins.join(", ")
      }`,
      "a revision for each change",
    ));
  }
  return found;
}

/** A record that was written, or removed (null). */
export type RecordChange = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly key: string;
    readonly value: Kinds[K] | null;
  };
}[Kind];

/** What was checked, and what is wrong with it. */
export interface Checked {
  /** Names of the records, which are all that the changes could break. */
  readonly records: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/**
 * Writes one commit's changes to `state`, and checks what changed and every
 * record that this may have broken.
 */
export function applyChanges(
  state: StoredState,
  changes: readonly RecordChange[],
): Checked {
  const suspects = new Map<string, readonly [Kind, string]>();
  const found: Finding[] = [];
  const suspect = (kind: Kind, key: string) =>
    suspects.set(recordName(kind, key), [kind, key]);
  for (const change of changes) {
    const { kind, key, value } = change;
    const old = state.get(kind, key);
    if (old !== undefined && value !== null) {
      found.push(...checkChange(kind, key, old, value as never));
    }
    affected(state, change, suspect);
    state.set(kind, key, value as never);
    affected(state, change, suspect);
  }
  for (const [kind, key] of suspects.values()) {
    found.push(...checkRecord(kind, key, state));
  }
  return { records: new Set(suspects.keys()), findings: found };
}

/** Names every record whose rules look at the one that changes. */
function affected(
  state: StoredState,
  { kind, key }: { readonly kind: Kind; readonly key: string },
  suspect: (kind: Kind, key: string) => void,
): void {
  suspect(kind, key);
  const value = state.get(kind, key);
  if (value === undefined) return affectedByAbsence(state, kind, key, suspect);
  if ("revision" in value) {
    for (const name of state.atRevision.get(value.revision)) {
      const [its, id = ""] = name.split(" ");
      suspect(its as Kind, id);
    }
  }
  if (kind === "vm") affectedByVm(state, key, value as Vm, suspect);
  if (kind === "operation") {
    affectedByOperation(state, value as Operation, suspect);
  }
  if (kind === "node-operation") {
    const { node } = value as NodeOperation;
    for (const id of state.openAt.get(node)) suspect("node-operation", id);
  }
  affectedByAbsence(state, kind, key, suspect);
}

type Suspect = (kind: Kind, key: string) => void;

/** Whoever refers to a record by its key, whether it is there or not. */
function affectedByAbsence(
  state: StoredState,
  kind: Kind,
  key: string,
  suspect: Suspect,
): void {
  switch (kind) {
    case "vm":
      for (const id of state.openOn.get(key)) {
        suspect("operation", id);
        const to = state.get("operation", id)?.to;
        if (to != null) suspect("node", to);
      }
      return;
    case "node":
      for (const uid of state.vmsOn.get(key)) suspect("vm", uid);
      for (const id of state.openAt.get(key)) suspect("node-operation", id);
      return;
    case "node-operation":
      for (const id of state.partsOf.get(key)) suspect("operation", id);
      return;
    case "operation":
      for (const uid of state.vmsOfRun.get(key)) suspect("vm", uid);
      return;
    case "request":
      for (const id of state.operationsOf.get(key)) suspect("operation", id);
      return;
  }
}

function affectedByVm(
  state: StoredState,
  key: string,
  { name, node, status: { incarnation } }: Vm,
  suspect: Suspect,
): void {
  for (const uid of state.vmsNamed.get(name)) suspect("vm", uid);
  if (node !== null) suspect("node", node);
  if (incarnation !== null) {
    for (const uid of state.vmsOfRun.get(incarnation)) suspect("vm", uid);
  }
  for (const id of state.openOn.get(key)) suspect("operation", id);
}

function affectedByOperation(
  state: StoredState,
  operation: Operation,
  suspect: Suspect,
): void {
  const { uid, request, to } = operation;
  suspect("request", request);
  for (const id of state.operationsAt.get(placeOf(operation))) {
    suspect("operation", id);
  }
  for (const id of state.openOn.get(uid)) suspect("operation", id);
  const node = state.get("vm", uid)?.node;
  if (node != null) suspect("node", node);
  if (to !== null) suspect("node", to);
}
