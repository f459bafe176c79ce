/**
 * Ways to damage a sound state, one for each rule that finds it.
 *
 * @module
 */
import {
  AT,
  DONE,
  DRAIN,
  HASH,
  OPEN,
  operation,
  type StoredRecords,
  TOLD,
  uid,
  type Value,
  VM_A,
  VM_B,
} from "./stored.ts";

const PROBLEM = {
  title: "failed",
  status: 500,
  detail: "It failed",
  code: "internal",
  retry: "no",
  outcome: "none",
};

const AUDIT_BLOCK = { v: 1, records: [{ seq: 1, hash: "0".repeat(64) }] };

const AUDIT_END = {
  v: 1,
  head: { seq: 3, hash: "1".repeat(64), at: AT },
  anchor: { seq: 0, hash: "0".repeat(64), at: "" },
  bytes: 900,
  hour: "2026-11-26T03",
};

type Damage = readonly [
  rule: string,
  what: string,
  damage: (records: StoredRecords) => unknown,
];

/** Damages, each with the rule that finds it. */
export const DAMAGES: readonly Damage[] = [
  ["record-key", "a record of no known kind", (s) => s.set(["vn", "x"], {})],
  [
    "record-key",
    "an unknown fact about the state",
    (s) => s.set(["meta", "x"], 1),
  ],
  [
    "record-key",
    "a VM under another's key",
    (s) => s.edit(VM_B, { uid: uid("c") }),
  ],
  ["record-shape", "a VM without a name", (s) => s.edit(VM_B, { name: 1 })],
  [
    "record-shape",
    "an operation of a newer shape",
    (s) => s.edit(DONE, { v: 2 }),
  ],
  [
    "record-key",
    "an event under the number of another",
    (s) => s.edit(TOLD, { id: "0000000000000002" }),
  ],
  [
    "record-shape",
    "a cluster of nobody",
    (s) => s.set(["cluster", "lab.bob"], { v: 1, name: "lab.bob" }),
  ],
  ["record-shape", "half a record", (s) => s.set(["node", "n1"], { v: 1 })],
  ["schema-version", "no schema version", (s) => s.remove(["meta", "schema"])],
  ["revision-ceiling", "no ceiling", (s) => s.remove(["meta", "revision"])],
  [
    "revision-ceiling",
    "a revision above the ceiling",
    (s) => s.edit(VM_B, { revision: 1001 }),
  ],
  [
    "revision-unique",
    "a revision given twice",
    (s) => s.edit(VM_B, { revision: 4 }),
  ],
  [
    "node-secret",
    "a node without a secret",
    (s) => s.remove(["node-secret", "n1"]),
  ],
  [
    "session-account",
    "a session of nobody",
    (s) => s.edit(["session", HASH], { user: "bob" }),
  ],
  [
    "token-account",
    "a token of nobody",
    (s) => s.edit(["api-token", uid("k")], { user: "bob" }),
  ],
  [
    "account-admin",
    "no administrator",
    (s) => s.edit(["account", "admin"], { role: "user" }),
  ],
  [
    "vm-name",
    "two VMs of one name",
    (s) => s.edit(VM_B, { name: "a.lab.ann" }),
  ],
  ["vm-node", "a VM on no known node", (s) => s.edit(VM_A, { node: "n9" })],
  ["vm-placed", "a VM that runs nowhere", (s) => s.edit(VM_A, { node: null })],
  [
    "vm-driver",
    "a placed VM without driver",
    (s) => s.edit(VM_A, { spec: {} }),
  ],
  [
    "vm-generation",
    "a run of a generation to come",
    (s) => s.edit(VM_A, { status: { observedGeneration: 2 } }),
  ],
  ["vm-found", "a found VM of somebody", (s) => s.edit(VM_A, { found: true })],
  [
    "vm-incarnation",
    "two VMs of one run",
    (s) => s.edit(VM_B, { status: { incarnation: uid("d") } }),
  ],
  [
    "operation-request",
    "an operation of no request",
    (s) => s.remove(["request", "r1"]),
  ],
  ["operation-index", "an index too high", (s) => s.edit(DONE, { index: 1 })],
  [
    "operation-index",
    "two operations of one index",
    (s) => s.edit(DONE, { request: "r2" }),
  ],
  [
    "operation-end",
    "an end without a time",
    (s) => s.edit(DONE, { endedAt: null }),
  ],
  [
    "operation-end",
    "a time without an end",
    (s) => s.edit(OPEN, { endedAt: AT }),
  ],
  [
    "operation-problem",
    "a failure without reason",
    (s) => s.edit(DONE, { state: "failed" }),
  ],
  [
    "operation-problem",
    "a success with a problem",
    (s) => s.edit(DONE, { problem: PROBLEM }),
  ],
  [
    "operation-step",
    "a success at a step",
    (s) => s.edit(DONE, { step: "start" }),
  ],
  ["operation-step", "a run at no step", (s) => s.edit(OPEN, { step: null })],
  [
    "operation-step",
    "a wait at a step",
    (s) => s.edit(OPEN, { state: "pending" }),
  ],
  [
    "operation-waits",
    "a run that waits",
    (s) => s.edit(OPEN, { waitsFor: uid("d") }),
  ],
  [
    "operation-journal",
    "a step of another verb",
    (s) => s.edit(OPEN, { begun: ["start", "pause"] }),
  ],
  [
    "operation-journal",
    "a step begun twice",
    (s) => s.edit(OPEN, { begun: ["start", "start"] }),
  ],
  [
    "operation-journal",
    "a step that did not begin",
    (s) => s.edit(OPEN, { begun: ["place"] }),
  ],
  ["operation-vm", "a run on no VM", (s) => s.remove(VM_B)],
  [
    "operation-vm",
    "a run on a VM of another name",
    (s) => s.edit(OPEN, { vm: "c.lab.ann" }),
  ],
  [
    "operation-holder",
    "two holders of one VM",
    (s) =>
      s.edit(DONE, {
        ...operation("d", "b", "r1", 4),
        state: "running",
        step: "start",
        begun: ["start"],
        startedAt: AT,
      }),
  ],
  [
    "operation-target",
    "a migration that goes nowhere",
    (s) =>
      s.edit(OPEN, {
        verb: "migrate",
        begun: ["offer"],
        step: "offer",
        from: "n1",
        to: "n1",
      }),
  ],
  [
    "request-whole",
    "a request that lost an operation",
    (s) => s.edit(["request", "r2"], { count: 2 }),
  ],
  [
    "operation-parent",
    "a part of something that has ended",
    (s) =>
      s.edit(OPEN, { parent: uid("n") })
        .edit(DRAIN, { state: "succeeded", endedAt: AT }),
  ],
  [
    "operation-parent",
    "a part of nothing",
    (s) => s.edit(OPEN, { parent: uid("m") }),
  ],
  [
    "node-operation-end",
    "an end of a drain without a time",
    (s) => s.edit(DRAIN, { state: "succeeded" }),
  ],
  [
    "node-operation-problem",
    "a failed drain without a reason",
    (s) => s.edit(DRAIN, { state: "failed", endedAt: AT }),
  ],
  [
    "node-operation-count",
    "a drain that moved more than there is",
    (s) => s.edit(DRAIN, { moved: 3 }),
  ],
  [
    "node-operation-node",
    "a drain of no node",
    (s) => s.edit(DRAIN, { node: "n9" }),
  ],
  [
    "node-operation-holder",
    "two drains of one node",
    (s) => {
      const records = s.entries();
      const { value } = records.find(({ key }) => key[0] === "node-operation")!;
      const other = { ...value as Value, id: uid("m"), revision: 7 };
      return s.set(["node-operation", uid("m")], other);
    },
  ],
  [
    "node-capacity",
    "more promised than there is",
    (s) => s.edit(VM_A, { spec: { driver: "sim", memoryMiB: 300 } }),
  ],
  [
    "audit-chain",
    "records of the audit log that end nowhere",
    (s) => s.set(["audit", "2026-11-26T03", 1], AUDIT_BLOCK),
  ],
  [
    "audit-chain",
    "an audit log that lost its records",
    (s) => s.set(["meta", "audit"], AUDIT_END),
  ],
  [
    "record-shape",
    "a block of the audit log under another's number",
    (s) => s.set(["audit", "2026-11-26T03", 2], AUDIT_BLOCK),
  ],
];
