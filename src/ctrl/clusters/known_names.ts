/**
 * Whom a site knows by name, and what of that one caller may be told.
 *
 * Accounts are shown to administrators alone. So what anybody else is told of a
 * name comes from what they see already: whose the clusters are that they see,
 * and with whom these are shared. Whether there is an account of a name makes
 * no difference to it.
 *
 * @module
 */
import type { ClusterRecord, Grantee } from "../../schema/cluster.ts";
import { didYouMean } from "../../schema/nearest.ts";
import type { Access } from "../auth/access.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import type { Records } from "../records/records.ts";

/** Where names are looked up. */
export interface NamesSource {
  readonly accounts: Pick<Accounts, "users" | "sessions">;
  readonly records: Records;
}

/** All users of whom there is something: an account, a session, a quota, or what is theirs; and all clusters. */
export function* knownSubjects(
  { accounts, records }: NamesSource,
): Iterable<string> {
  const { quotas, holdings } = records.capacity;
  for (const { name } of accounts.users.list()) yield name;
  for (const { user } of accounts.sessions.list()) yield user;
  for (const { name, user } of records.clusters.values()) {
    yield name;
    yield user;
  }
  yield* quotas.subjects();
  yield* holdings.subjects();
}

/**
 * What there is to say of a name that something was just shared with, where
 * nobody that the caller may know of has it: most often it is misspelt, and the
 * share is nobody's. Null for one that is known.
 */
export function doubtOf(
  grantee: Grantee,
  source: NamesSource,
  caller: Caller,
  access: Access,
): string | null {
  const knowsAll = caller.role === "admin" && access.seesAll;
  const known = knowsAll
    ? [...namesOf(grantee.kind, source)]
    : [...namesSeen(grantee.kind, source.records, caller, access)];
  if (known.includes(grantee.name)) return null;
  const near = didYouMean(grantee.name, known);
  return WORDS[grantee.kind][knowsAll ? "all" : "seen"](grantee.name) +
    (near && `; ${near}`);
}

const WORDS = {
  user: {
    all: (name: string) =>
      `there is no user "${name}" yet: no account, no session, no VM of that name`,
    seen: (name: string) =>
      `nothing that you see belongs to a user "${name}": look at the spelling`,
  },
  group: {
    all: (name: string) =>
      `nobody who is logged in is in a group "${name}": look at the spelling`,
    seen: (name: string) =>
      `you are in no group "${name}": look at the spelling`,
  },
} as const;

function* namesOf(
  kind: Grantee["kind"],
  source: NamesSource,
): Iterable<string> {
  if (kind === "group") {
    for (const { groups } of source.accounts.sessions.list()) yield* groups;
    return;
  }
  for (const name of knownSubjects(source)) {
    if (!name.includes(".")) yield name;
  }
}

function* namesSeen(
  kind: Grantee["kind"],
  { clusters }: Records,
  { user, groups = [] }: Caller,
  access: Access,
): Iterable<string> {
  if (kind === "user") yield user;
  else yield* groups;
  for (const cluster of clusters.values()) {
    if (access.cluster(cluster.name) === null) continue;
    if (kind === "user") yield cluster.user;
    yield* grantees(kind, cluster, access);
  }
}

function* grantees(
  kind: Grantee["kind"],
  cluster: ClusterRecord,
  access: Access,
): Iterable<string> {
  for (const share of access.sharesShown(cluster)) {
    if (share.with.kind === kind) yield share.with.name;
  }
}
