/**
 * A stored state that is sound; `damages.ts` damages it.
 *
 * @module
 */
import type { Entry, Key } from "../../src/store/store.ts";

/** When all of it happened. */
export const AT = "2026-01-01T00:00:00.000Z";
/** The hash of a session's token. */
export const HASH = "0".repeat(64);
const OTHER_HASH = "1".repeat(64);

/** A ULID that ends so. */
export function uid(end: string): string {
  return end.padStart(26, "0");
}

/** A record's fields. */
export type Value = Record<string, unknown>;

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

/** The key of the VM that runs. */
export const VM_A: Key = ["vm", uid("a")];
/** The key of the VM that starts. */
export const VM_B: Key = ["vm", uid("b")];
/** The key of the operation that has ended. */
export const DONE: Key = ["operation", uid("d")];
/** The key of the operation that runs. */
export const OPEN: Key = ["operation", uid("p")];
/** The key of what is to be told. */
export const TOLD: Key = ["told", "0000000000000001"];
/** The key of the drain. */
export const DRAIN: Key = ["node-operation", uid("n")];

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
    .set(["api-token", uid("k")], {
      v: 1,
      id: uid("k"),
      hash: HASH,
      user: "admin",
      name: "ci",
      scope: { access: "read", verbs: null, vms: null },
      createdAt: AT,
      expiresAt: null,
      lastUsedAt: null,
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

export function operation(
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
