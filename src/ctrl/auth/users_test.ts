/**
 * Accounts that change: what ends with a change, what survives a restart, and
 * the last administrator, who stays.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { openAccounts } from "../../../tests/support/accounts.ts";
import { UsherError } from "../../error/mod.ts";
import { keys } from "../../store/key.ts";

const PASSWORD = "correct horse";

function code(expected: string, message?: RegExp) {
  return (error: unknown) =>
    error instanceof UsherError && error.code === expected &&
    (message?.test(error.message) ?? true);
}

Deno.test("users: the last administrator who can log in is not demoted, disabled or deleted", async () => {
  const { accounts: { users } } = await openAccounts();
  await users.create("root", "admin", PASSWORD);
  await users.create("eve", "admin", PASSWORD);
  await users.setDisabled("eve", true);
  const last = code("wrong_state", /"root" .*the last administrator/);
  await rejects(users.setRole("root", "user"), last);
  await rejects(users.setDisabled("root", true), last);
  await rejects(users.remove("root", () => {}), last);
  await users.setDisabled("eve", false);
  // Side by side, each seeing the other: one of them stays.
  const both = await Promise.allSettled([
    users.setRole("root", "user"),
    users.setRole("eve", "viewer"),
  ]);
  deepStrictEqual(both.map(({ status }) => status), ["fulfilled", "rejected"]);
  strictEqual(users.get("eve").role, "admin");
});

Deno.test("users: a role holds for the sessions that are open, whose streams end", async () => {
  const { accounts, login } = await openAccounts();
  await accounts.create("root", "admin", PASSWORD);
  await accounts.create("ann", "user", PASSWORD);
  const { token, caller } = await login("ann", PASSWORD);
  using life = accounts.hold(caller);
  await accounts.users.setRole("ann", "user");
  ok(!life.signal.aborted, "nothing changed");
  await accounts.users.setRole("ann", "viewer");
  ok(life.signal.aborted);
  ok(!accounts.isLive(caller));
  strictEqual(accounts.authenticate(token).role, "viewer");
});

Deno.test("users: who changes a password keeps the session that asks, and ends the others", async () => {
  const { accounts, login, again } = await openAccounts();
  await accounts.create("ann", "user", PASSWORD);
  const kept = await login("ann", PASSWORD);
  const ended = await login("ann", PASSWORD);
  using life = accounts.hold(ended.caller);
  await accounts.users.setPassword(
    "ann",
    "battery staple",
    kept.caller.session,
  );
  ok(life.signal.aborted);
  const later = await again();
  for (const known of [accounts, later]) {
    strictEqual(known.authenticate(kept.token).user, "ann");
    let error: unknown;
    try {
      known.authenticate(ended.token);
    } catch (thrown) {
      error = thrown;
    }
    ok(code("unauthenticated")(error));
  }
  await rejects(login("ann", PASSWORD), code("unauthenticated"));
  await login("ann", "battery staple");
});

Deno.test("users: a password that is changed while it is checked opens nothing", async () => {
  const { accounts, login } = await openAccounts();
  await accounts.create("ann", "user", PASSWORD);
  // Both begin with the old one; the change ends while the login is checked or after.
  const entered = login("ann", PASSWORD);
  const changed = accounts.users.setPassword("ann", "battery staple");
  const [{ status }] = await Promise.allSettled([entered, changed]);
  const open = [...accounts.sessions.list()];
  // Let in before the change, it was ended by it; else it was refused.
  deepStrictEqual(open, [], status);
});

Deno.test("users: a disabled account's sessions end, and nobody gets in until it is enabled", async () => {
  const { accounts, login, again } = await openAccounts();
  await accounts.create("root", "admin", PASSWORD);
  await accounts.create("ann", "user", PASSWORD);
  const { token, caller } = await login("ann", PASSWORD);
  using life = accounts.hold(caller);
  await accounts.users.setDisabled("ann", true);
  ok(life.signal.aborted);
  ok(!accounts.isLive(caller));
  await rejects(login("ann", PASSWORD), code("unauthenticated"));
  strictEqual((await again()).users.get("ann").isDisabled, true);
  await accounts.users.setDisabled("ann", false);
  await rejects(
    async () => await accounts.authenticate(token),
    code("unauthenticated"),
  );
  await login("ann", PASSWORD);
});

Deno.test("users: one whom a directory lets in stays out while an account of the name is disabled", async () => {
  const { accounts } = await openAccounts();
  await accounts.create("root", "admin", PASSWORD);
  await accounts.create("ann", "user", PASSWORD);
  const { token, session } = await accounts.sessions.open(
    "ann",
    { role: "user", groups: ["staff"] },
    60_000,
  );
  strictEqual(accounts.authenticate(token).session, session);
  await accounts.users.setDisabled("ann", true);
  await rejects(
    async () => await accounts.authenticate(token),
    code("unauthenticated"),
  );
});

Deno.test("users: a deleted account leaves nothing, and is not deleted when the check says no", async () => {
  const { accounts, login, store } = await openAccounts();
  await accounts.create("root", "admin", PASSWORD);
  await accounts.create("ann", "user", PASSWORD);
  const { caller } = await login("ann", PASSWORD);
  await accounts.tokens.create({
    user: "ann",
    name: "ci",
    scope: { access: "act", verbs: null, vms: null },
    ttlMs: null,
  });
  await rejects(
    accounts.users.remove("ann", () => {
      throw new UsherError("wrong_state", "It owns VMs");
    }),
    code("wrong_state"),
  );
  ok(accounts.isLive(caller));
  await accounts.users.remove("ann", () => {});
  ok(!accounts.isLive(caller));
  for (const prefix of [keys.sessions(), keys.apiTokens()]) {
    deepStrictEqual(await Array.fromAsync(store.list(prefix)), []);
  }
  await rejects(accounts.users.remove("ann", () => {}), code("not_found"));
});

Deno.test("users: an account that an older usher stored is enabled", async () => {
  const { accounts, store, again } = await openAccounts();
  await accounts.create("old", "admin", PASSWORD);
  const key = keys.account("old");
  const { isDisabled: _, ...older } = await store.get(key) as {
    isDisabled: boolean;
  };
  await store.commit([{ type: "set", key, value: older }]);
  strictEqual((await again()).users.get("old").isDisabled, false);
});

Deno.test("users: guesses at the old password count like logins", async () => {
  const { accounts } = await openAccounts();
  await accounts.create("ann", "user", PASSWORD);
  for (let i = 0; i < 3; i++) {
    await rejects(
      accounts.confirm("ann", `guess ${i}`, "192.0.2.1"),
      code("permission_denied"),
    );
  }
  await rejects(
    accounts.confirm("ann", PASSWORD, "192.0.2.1"),
    code("too_many_requests"),
  );
  await accounts.confirm("ann", PASSWORD, "192.0.2.2");
});
