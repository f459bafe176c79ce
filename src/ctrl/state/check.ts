/**
 * Checking a whole stored state: every record by itself, then against all
 * others.
 *
 * It reads and never writes, and goes on after what it finds, so that one
 * look tells everything.
 *
 * @module
 */
import {
  broken,
  doubtful,
  type Finding,
  type Kind,
} from "../../core/invariants/finding.ts";
import { checkAll, StoredState } from "../../core/invariants/invariants.ts";
import type {
  Account,
  ApiTokenRecord,
  SessionRecord,
} from "../../schema/stored.ts";
import type { Entry, Mutation } from "../../store/store.ts";
import { checkAudit } from "./audit_rules.ts";
import { type KnownEntry, readEntry } from "./entry_rules.ts";

/** What a check came to. */
export interface Report {
  /** The newest revision in the state. */
  readonly revision: number;
  /** How many records there are, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** Kinds whose records refer to each other; the rest stand beside them. */
const KINDS: ReadonlySet<string> = new Set<Kind>([
  "vm",
  "node",
  "operation",
  "request",
  "node-operation",
]);

/** Checks the state that `mutations`, taken in order, make. */
export async function checkState(
  mutations: AsyncIterable<Mutation>,
): Promise<Report> {
  const entries = new Map<string, Entry>();
  for await (const mutation of mutations) {
    const name = JSON.stringify(mutation.key);
    if (mutation.type === "set") entries.set(name, mutation);
    else entries.delete(name);
  }
  return checkEntries(entries.values());
}

/** Checks the state that holds these records and no other. */
export function checkEntries(entries: Iterable<Entry>): Report {
  const findings: Finding[] = [];
  const state = new StoredState();
  const others = new Others();
  const counts: Record<string, number> = {};
  for (const entry of entries) {
    const read = readEntry(entry);
    if ("finding" in read) {
      findings.push(read.finding);
      continue;
    }
    const { kind, id, value } = read.known;
    if (kind !== "meta") counts[kind] = (counts[kind] ?? 0) + 1;
    if (KINDS.has(kind)) state.set(kind as Kind, id, value as never);
    else others.add(read.known);
  }
  const { ceiling } = others;
  state.ceiling = ceiling;
  findings.push(...others.check(state), ...checkAll(state));
  return { revision: newest(state), counts, findings };
}

function newest(
  { vms, nodes, operations, nodeOperations }: StoredState,
): number {
  let newest = 0;
  for (const records of [vms, nodes, operations, nodeOperations]) {
    for (const { revision } of records.values()) {
      newest = Math.max(newest, revision);
    }
  }
  return newest;
}

/** What stands beside the records that have tables. */
class Others {
  readonly #secrets = new Set<string>();
  readonly #accounts = new Map<string, Account>();
  readonly #sessions: SessionRecord[] = [];
  readonly #tokens: ApiTokenRecord[] = [];
  readonly #meta = new Map<string, unknown>();
  readonly #audit: unknown[] = [];

  add({ kind, id, value }: KnownEntry): void {
    switch (kind) {
      case "node-secret":
        return void this.#secrets.add(id);
      case "account":
        return void this.#accounts.set(id, value as Account);
      case "session":
        return void this.#sessions.push(value as SessionRecord);
      case "api-token":
        return void this.#tokens.push(value as ApiTokenRecord);
      case "audit":
        return void this.#audit.push(value);
      case "meta":
        return void this.#meta.set(id, value);
    }
  }

  /** No revision above it was given out; null when there is no such record. */
  get ceiling(): number | null {
    const value = this.#meta.get("revision");
    return typeof value === "number" ? value : null;
  }

  *check(state: StoredState): Generator<Finding> {
    yield* this.#checkMeta(state);
    yield* checkAudit(this.#meta.get("audit"), this.#audit);
    for (const name of state.nodes.keys()) {
      if (this.#secrets.has(name)) continue;
      yield broken(
        "node-secret",
        `node ${name}`,
        `Node "${name}" has no secret, so it cannot come back`,
        'a secret of its own; let it join again with "usher node token"',
      );
    }
    for (const { hash, user, role } of this.#sessions) {
      // Whom a directory lets in needs no account here.
      if (this.#accounts.has(user) || role !== null) continue;
      yield broken(
        "session-account",
        `session ${hash}`,
        `A session belongs to account "${user}", which has no record`,
        "an account for each session",
      );
    }
    for (const { id, user } of this.#tokens) {
      if (this.#accounts.has(user)) continue;
      yield broken(
        "token-account",
        `api-token ${id}`,
        `An API token belongs to account "${user}", which has no record`,
        "an account for each token",
      );
    }
    const hasAdmin = [...this.#accounts.values()].some(({ role }) =>
      role === "admin"
    );
    if (this.#accounts.size > 0 && !hasAdmin) {
      yield doubtful(
        "account-admin",
        "account",
        "No account is an administrator's",
        'one that is; "usher ctrl admin-token" helps until then',
      );
    }
  }

  *#checkMeta(state: StoredState): Generator<Finding> {
    const schema = this.#meta.get("schema") as { version?: unknown } | null;
    if (typeof schema?.version !== "number") {
      yield broken(
        "schema-version",
        "meta schema",
        "The state does not say of which schema version it is",
        "a version that was written with the first record",
      );
    }
    const hasRevisions = newest(state) > 0;
    if (hasRevisions && this.ceiling === null) {
      yield broken(
        "revision-ceiling",
        "meta revision",
        "The state does not say which revisions were given out",
        "a ceiling that is written before any revision below it",
      );
    }
  }
}
