/**
 * API tokens: never more than the owner has now, gone when they are over, and
 * their secret nowhere.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { openAccounts } from "../../../tests/support/accounts.ts";
import { UsherError } from "../../error/mod.ts";
import type { TokenScope } from "../../schema/token_scope.ts";
import { keys } from "../../store/key.ts";

const ALL: TokenScope = { access: "act", verbs: null, vms: null };

async function withAnn() {
  const opened = await openAccounts();
  const { accounts } = opened;
  await accounts.create("root", "admin", "correct horse");
  await accounts.create("ann", "admin", "correct horse");
  const make = (name: string, scope = ALL, ttlMs: number | null = null) =>
    accounts.tokens.create({ user: "ann", name, scope, ttlMs });
  return { ...opened, make };
}

function code(expected: string) {
  return (error: unknown) =>
    error instanceof UsherError && error.code === expected;
}

Deno.test("tokens: one has the role that its owner has now", async () => {
  const { accounts, make, again } = await withAnn();
  const { token } = await make("ci");
  strictEqual(accounts.authenticate(token).role, "admin");
  await accounts.users.setRole("ann", "viewer");
  strictEqual(accounts.authenticate(token).role, "viewer");
  await accounts.users.setDisabled("ann", true);
  throws(() => accounts.authenticate(token), code("unauthenticated"));
  await accounts.users.setDisabled("ann", false);
  strictEqual((await again()).authenticate(token).user, "ann");
});

Deno.test("tokens: a revoked one ends what goes on with it, also after a restart", async () => {
  const { accounts, make, again } = await withAnn();
  const { token, record } = await make("ci");
  const caller = accounts.authenticate(token);
  using life = accounts.hold(caller);
  await accounts.tokens.revoke(record);
  ok(life.signal.aborted);
  ok(!accounts.isLive(caller));
  const later = await again();
  throws(() => later.authenticate(token), code("unauthenticated"));
});

Deno.test("tokens: one that has expired is good for nothing, and is swept", async () => {
  const { accounts, make, clock, store } = await withAnn();
  const { token } = await make("ci", ALL, 1000);
  accounts.authenticate(token);
  await clock.advance(1000);
  throws(() => accounts.authenticate(token), code("unauthenticated"));
  deepStrictEqual([...accounts.tokens.list()], []);
  strictEqual(await accounts.sweep(), 1);
  deepStrictEqual(await Array.fromAsync(store.list(keys.apiTokens())), []);
});

Deno.test("tokens: the last use is noted once a minute, and brings no revoked token back", async () => {
  const { accounts, make, clock, store } = await withAnn();
  const { token, record } = await make("ci");
  let commits = 0;
  const commit = store.commit.bind(store);
  store.commit = (mutations) => (commits++, commit(mutations));
  const lastUse = async () =>
    (await store.get(keys.apiToken(record.id)) as { lastUsedAt: string })
      ?.lastUsedAt;
  for (let i = 0; i < 10; i++) accounts.authenticate(token);
  await commit([]);
  deepStrictEqual([commits, await lastUse()], [1, "2026-01-01T00:00:00.000Z"]);
  await clock.advance(60_000);
  accounts.authenticate(token);
  await accounts.tokens.revoke(record);
  strictEqual(await store.get(keys.apiToken(record.id)) ?? null, null);
});

Deno.test("tokens: what is stored opens nothing", async () => {
  const { make, store } = await withAnn();
  const { token } = await make("ci");
  match(token, /^usher_/);
  const stored = JSON.stringify(
    await Array.fromAsync(store.list(keys.apiTokens())),
  );
  ok(!stored.includes(token) && !stored.includes(token.slice(6)));
});

Deno.test("tokens: a name is one account's once, and only accounts own tokens", async () => {
  const { accounts, make } = await withAnn();
  const twice = await Promise.allSettled([make("ci"), make("ci")]);
  deepStrictEqual(twice.map(({ status }) => status), [
    "fulfilled",
    "rejected",
  ]);
  await rejects(
    accounts.tokens.create({ user: "bob", name: "x", scope: ALL, ttlMs: null }),
    code("not_found"),
  );
});
