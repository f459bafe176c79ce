/**
 * A stored state that is sound, and ways to damage it, one for each rule.
 *
 * @module
 */
import type { Entry, Key } from "../../src/store/store.ts";

const AT = "2026-01-01T00:00:00.000Z";
const HASH = "0".repeat(64);
const OTHER_HASH = "1".repeat(64);

/** A ULID that ends so. */
export function uid(end: string): string {
  return end.padStart(26, "0");
}

type Value = Record<string, unknown>;

/** Records by their key, as JSON. */
export class StoredRecords {
  readonly #records = new Map<string, unknown>();

  set(key: Key, value: unknown): this {
    this.#records.set(JSON.stringify(key), value);
    return this;
  }

  remove(key: Key): this {
    this.#records.delete(JSON.stringify(key));
    return this;
  }

  /** Changes fields of a record; of its status too. */
  edit(key: Key, change: Value): this {
    const name = JSON.stringify(key);
    const before = this.#records.get(name) as Value;
    const status = { ...before.status as Value, ...change.status as Value };
    return this.set(key, {
      ...before,
      ...change,
      ...("status" in before ? { status } : {}),
    });
  }

  entries(): Entry[] {
    return [...this.#records].map(([name, value]) => ({
      key: JSON.parse(name) as Key,
      value,
    }));
  }
}

const VM_A: Key = ["vm", uid("a")];
const VM_B: Key = ["vm", uid("b")];
const DONE: Key = ["operation", uid("d")];
const OPEN: Key = ["operation", uid("p")];
const TOLD: Key = ["told", "0000000000000001"];
const DRAIN: Key = ["node-operation", uid("n")];

/** Two VMs on a node, one started and one starting. */
export function soundState(): StoredRecords {
  return new StoredRecords()
    .set(["meta", "schema"], { version: 1 })
    .set(["meta", "revision"], 1000)
    .set(["account", "admin"], {
      v: 1,
      name: "admin",
      role: "admin",
      passwordHash: "x",
      createdAt: AT,
    })
    .set(["session", HASH], {
      v: 1,
      hash: HASH,
      user: "admin",
      createdAt: AT,
      expiresAt: AT,
    })
    // Whom a directory let in.
    .set(["session", OTHER_HASH], {
      v: 1,
      hash: OTHER_HASH,
      user: "bob",
      role: "user",
      groups: ["staff"],
      createdAt: AT,
      expiresAt: AT,
    })
    .set(["cluster", "lab.ann"], {
      v: 1,
      name: "lab.ann",
      user: "ann",
      createdAt: AT,
      createdBy: "admin",
    })
    .set(TOLD, {
      v: 1,
      id: "0000000000000001",
      event: "lnm_disconnect",
      args: [{ name: "n1" }],
      lane: "node n1",
      decision: "lnm_disconnect/n1/1",
      operation: null,
      depth: 0,
      at: AT,
    })
    .set(["connection", uid("c")], {
      id: uid("c"),
      user: "bob",
      role: "user",
      groups: [],
      address: "192.0.2.1",
      since: AT,
    })
    .set(["join-token", HASH], { v: 1, hash: HASH, node: null, expiresAt: AT })
    .set(["node-secret", "n1"], { v: 1, name: "n1", hash: HASH })
    .set(["node", "n1"], {
      v: 1,
      name: "n1",
      state: "ready",
      since: AT,
      version: "1",
      capacity: { cpus: 4, memoryMiB: 512 },
      drivers: [],
      joinedAt: AT,
      revision: 1,
    })
    .set(VM_A, vm("a", "running", uid("d"), 2))
    .set(VM_B, vm("b", "absent", null, 3))
    .set(["request", "r1"], request("r1", 1))
    .set(["request", "r2"], request("r2", 1))
    .set(DRAIN, {
      v: 1,
      id: uid("n"),
      verb: "drain",
      node: "n1",
      user: "ann",
      state: "running",
      options: { parallel: 2, migrate: {} },
      total: 2,
      moved: 1,
      failed: 0,
      problem: null,
      trail: [],
      createdAt: AT,
      endedAt: null,
      revision: 6,
    })
    .set(DONE, {
      ...operation("d", "a", "r1", 4),
      state: "succeeded",
      begun: ["register", "place", "start"],
      startedAt: AT,
      endedAt: AT,
    })
    .set(OPEN, {
      ...operation("p", "b", "r2", 5),
      state: "running",
      step: "start",
      begun: ["register", "place", "start"],
      startedAt: AT,
    });
}

function vm(
  name: string,
  state: string,
  incarnation: string | null,
  revision: number,
): Value {
  return {
    v: 1,
    uid: uid(name),
    name: `${name}.lab.ann`,
    generation: 1,
    spec: { driver: "sim" },
    status: {
      state,
      reason: "",
      incarnation,
      since: AT,
      observedGeneration: 1,
    },
    node: "n1",
    args: {},
    createdAt: AT,
    revision,
  };
}

function request(id: string, count: number): Value {
  return {
    v: 1,
    id,
    user: "ann",
    verb: "start",
    digest: HASH,
    count,
    createdAt: AT,
  };
}

function operation(
  id: string,
  name: string,
  its: string,
  revision: number,
): Value {
  return {
    v: 1,
    id: uid(id),
    request: its,
    index: 0,
    verb: "start",
    uid: uid(name),
    vm: `${name}.lab.ann`,
    user: "ann",
    step: null,
    begun: [],
    node: "n1",
    waitsFor: null,
    options: {},
    args: {},
    changed: true,
    problem: null,
    trail: [],
    createdAt: AT,
    startedAt: null,
    endedAt: null,
    revision,
  };
}

const PROBLEM = {
  title: "failed",
  status: 500,
  detail: "It failed",
  code: "internal",
  retry: "no",
  outcome: "none",
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
];
