/**
 * The invariants of the stored state (`core/invariants`), looked at with every
 * commit of the controller.
 *
 * @module
 */
import {
  applyChanges,
  checkAll,
  type Finding,
  type RecordChange,
  StoredState,
} from "../core/invariants/invariants.ts";
import type { Engine } from "../ctrl/engine.ts";
import type { Change, Records } from "../ctrl/records/records.ts";
import type { Operation } from "../schema/operation.ts";
import type { Violation } from "./violation.ts";

/** Holds the stored state of the controller that lives now. */
export class StateWatch {
  #state = new StoredState();
  /** The first that was found. */
  violation: Violation | null = null;

  /** Follows an engine from what it has read. */
  follow({ records }: Engine): void {
    const state = this.#state = new StoredState();
    for (const kind of KINDS) {
      for (const value of tableOf(records, kind).values()) {
        state.set(kind, keyOf(kind, value), value as never);
      }
    }
    records.subscribe((changes) => {
      if (state !== this.#state) return;
      this.#judge(applyChanges(state, withRequests(records, changes)).findings);
    });
  }

  /** Looks at the whole state. */
  lookAtAll(): Violation | null {
    this.#judge(checkAll(this.#state));
    return this.violation;
  }

  #judge(findings: Iterable<Finding>): void {
    for (const { rule, text, weight } of findings) {
      if (weight !== "broken") continue;
      this.violation ??= { invariant: "state", text: `${rule}: ${text}` };
    }
  }
}

const KINDS = [
  "request",
  "vm",
  "node",
  "node-operation",
  "operation",
] as const;

function tableOf(records: Records, kind: typeof KINDS[number]) {
  switch (kind) {
    case "vm":
      return records.vms;
    case "node":
      return records.nodes;
    case "operation":
      return records.operations;
    case "node-operation":
      return records.nodeOperations;
    case "request":
      return records.requests;
  }
}

function keyOf(kind: typeof KINDS[number], value: unknown): string {
  const { uid, name, id } = value as Record<string, string | undefined>;
  return (kind === "vm" ? uid : kind === "node" ? name : id) ?? "";
}

/** The change stream leaves requests out; they are written with their operations. */
function withRequests(
  records: Records,
  changes: readonly Change[],
): RecordChange[] {
  const requests = new Map<string, RecordChange>();
  const written = changes.filter(isWritten);
  for (const { kind, value } of written) {
    if (kind !== "operation" || value === null) continue;
    const key = (value as Operation).request;
    const request = records.requests.get(key) ?? null;
    requests.set(key, { kind: "request", key, value: request });
  }
  const others = written.map(({ kind, id, value }) =>
    ({ kind, key: id, value }) as RecordChange
  );
  return [...requests.values(), ...others];
}

/** Progress of a step is told to watchers and never written. */
function isWritten({ kind, value, revision }: Change): boolean {
  if (!KINDS.some((one) => one === kind)) return false;
  return value === null || value.revision === revision;
}
