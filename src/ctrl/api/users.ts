/**
 * Accounts and API tokens as clients see and change them.
 *
 * Everybody has to do with their own; what is another's is not there for who is
 * no administrator.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  CreateTokenRequest,
  CreateUserRequest,
  SetPasswordRequest,
  SetRoleRequest,
  type TokenView,
  type UserView,
} from "../../schema/account.ts";
import { splitVmName } from "../../schema/name.ts";
import { didYouMean } from "../../schema/nearest.ts";
import type { Account, ApiTokenRecord } from "../../schema/stored.ts";
import type { Caller } from "../auth/caller.ts";
import type { Write } from "../records/write.ts";
import type { Site } from "../site.ts";
import type { Call } from "./handler.ts";
import { readBody } from "./http.ts";

/** All accounts, by name. */
export function listUsers(site: Site): UserView[] {
  const { users, sessions, tokens } = site.accounts;
  // Each counted in one walk: there may be 100,000 VMs, and a thousand accounts.
  const vms = tally(
    site.records.vms.values(),
    (vm) => splitVmName(vm.name).user,
  );
  const open = tally(sessions.list(), ({ user }) => user);
  const made = tally(tokens.list(), ({ user }) => user);
  return users.list().map((account) =>
    viewOf(account, (name) => ({
      vms: vms.get(name) ?? 0,
      sessions: open.get(name) ?? 0,
      tokens: made.get(name) ?? 0,
    }))
  );
}

/** One account. Throws `not_found`, also for another's. */
export function showUser(site: Site, caller: Caller, name: string): UserView {
  if (caller.role !== "admin" && name !== caller.user) {
    // Says the same as of one that is not there.
    throw new UsherError(
      "not_found",
      `There is no account "${name}" of yours`,
      {
        subject: name,
      },
    );
  }
  return userView(site, site.accounts.users.get(name));
}

/** Makes an account. */
export async function createUser({ site, request }: Call): Promise<UserView> {
  const { name, role, password } = await readBody(
    site.context.clock,
    request,
    CreateUserRequest,
  );
  return userView(site, await site.accounts.users.create(name, role, password));
}

/** Gives an account another role. */
export async function setRole(call: Call): Promise<UserView> {
  const { site, request, param } = call;
  const { role } = await readBody(site.context.clock, request, SetRoleRequest);
  return userView(site, await site.accounts.users.setRole(param("name"), role));
}

/** Gives an account another password, one's own with the old one. */
export async function setPassword(call: Call): Promise<UserView> {
  const { site, caller, request, address, param } = call;
  const name = param("name");
  const { accounts } = site;
  showUser(site, caller, name);
  const { password, oldPassword } = await readBody(
    site.context.clock,
    request,
    SetPasswordRequest,
  );
  // The owner of the state directory may have forgotten the administrator's.
  if (name === caller.user && !accounts.isOwner(caller)) {
    if (oldPassword === undefined) {
      throw new UsherError(
        "invalid_input",
        `The password of "${name}" is changed with the old one`,
        { field: "oldPassword", hint: "say the old one, too" },
      );
    }
    await accounts.confirm(name, oldPassword, address);
  }
  const account = await accounts.users.setPassword(
    name,
    password,
    name === caller.user ? caller.session : undefined,
  );
  return userView(site, account);
}

/** Lets nobody in by an account, or again. */
export async function setDisabled(
  { site, param }: Call,
  isDisabled: boolean,
): Promise<UserView> {
  const { users } = site.accounts;
  return userView(site, await users.setDisabled(param("name"), isDisabled));
}

/** Removes an account. Throws `wrong_state` while it owns VMs. */
export async function deleteUser({ site, param }: Call): Promise<void> {
  const name = param("name");
  await site.accounts.users.remove(name, () => {
    const count = vmsOf(site, name);
    if (count === 0) return;
    throw new UsherError(
      "wrong_state",
      `Account "${name}" cannot be deleted: it owns ${count} ${
        count === 1 ? "VM" : "VMs"
      }`,
      {
        subject: name,
        hint:
          `destroy them first: usher vm destroy '*.*.${name}'; or keep them, and let nobody in: usher user disable ${name}`,
      },
    );
  });
  await forgetClusters(site, name);
}

/**
 * Clusters of a user who is no more, and what was shared with them: all that
 * would be another's who gets the same name.
 */
async function forgetClusters(
  { records }: Site,
  user: string,
): Promise<void> {
  const writes: Write[] = [];
  for (const cluster of records.clusters.values()) {
    const { name: key, shares } = cluster;
    const kept = shares.filter((share) =>
      share.with.kind !== "user" || share.with.name !== user
    );
    if (cluster.user === user) {
      // A VM may have been asked for before, and be known only now.
      if (!isEmpty(records.capacity.holdings.members(key))) continue;
      writes.push({ kind: "cluster", key, value: null, note: "deleted" });
    } else if (kept.length < shares.length) {
      const value = { ...cluster, shares: kept };
      writes.push({ kind: "cluster", key, value, note: "shares changed" });
    }
  }
  if (writes.length > 0) await records.write(writes);
}

function isEmpty(all: Iterable<unknown>): boolean {
  return all[Symbol.iterator]().next().done === true;
}

/** The tokens that `caller` may see, of `user` alone when one is named. */
export function listTokens(
  site: Site,
  caller: Caller,
  user: string | null,
): TokenView[] {
  return seenTokens(site, caller)
    .filter((one) => user === null || one.user === user).map(tokenView);
}

/** Makes a token, one's own or, for an administrator, anybody's. */
export async function createToken({ site, caller, request }: Call) {
  const { name, scope, ttlMs, user = caller.user } = await readBody(
    site.context.clock,
    request,
    CreateTokenRequest,
  );
  if (user !== caller.user && caller.role !== "admin") {
    throw new UsherError(
      "permission_denied",
      `Only an administrator makes tokens of "${user}"`,
      { subject: user },
    );
  }
  const made = await site.accounts.tokens.create({ user, name, scope, ttlMs });
  return { token: made.token, ...tokenView(made.record) };
}

/** Ends a token by its id, or by its name among those of `user`. Throws `not_found`. */
export async function revokeToken(
  site: Site,
  caller: Caller,
  text: string,
  user: string,
): Promise<TokenView> {
  const seen = seenTokens(site, caller);
  const token = seen.find(({ id }) => id === text) ??
    seen.find((one) => one.name === text && one.user === user);
  if (token === undefined) {
    throw new UsherError(
      "not_found",
      `There is no API token "${text}" of "${user}"`,
      {
        subject: text,
        hint: didYouMean(text, seen.map(({ name }) => name)) ||
          'see what there is with "usher token list"',
      },
    );
  }
  await site.accounts.tokens.revoke(token);
  return tokenView(token);
}

function seenTokens(
  { accounts }: Site,
  { user, role }: Caller,
): ApiTokenRecord[] {
  return [...accounts.tokens.list()].filter((token) =>
    role === "admin" || token.user === user
  );
}

function tokenView({ v: _, hash: __, ...shown }: ApiTokenRecord): TokenView {
  return shown;
}

function userView(site: Site, account: Account): UserView {
  const { sessions, tokens } = site.accounts;
  const count = (all: Iterable<{ user: string }>) =>
    [...all].filter(({ user }) => user === account.name).length;
  return viewOf(account, (name) => ({
    vms: vmsOf(site, name),
    sessions: count(sessions.list()),
    tokens: count(tokens.list()),
  }));
}

function viewOf(
  { name, role, isDisabled, createdAt }: Account,
  counts: (name: string) => Pick<UserView, "vms" | "sessions" | "tokens">,
): UserView {
  return { name, role, disabled: isDisabled, createdAt, ...counts(name) };
}

function vmsOf({ records }: Site, name: string): number {
  let count = 0;
  for (const vm of records.vms.values()) {
    if (splitVmName(vm.name).user === name) count++;
  }
  return count;
}

function tally<T>(
  all: Iterable<T>,
  of: (one: T) => string,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1);
  return counts;
}
