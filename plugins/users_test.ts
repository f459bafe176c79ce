import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { type Bench, onBench } from "../tests/support/plugin_bench.ts";
import { UsherError } from "../src/error/mod.ts";
import { lockedMs, networkOf } from "./users.ts";

const NOBODY = { role: null, groups: [] };

function users(
  options: Readonly<Record<string, unknown>> = {},
): Promise<Bench> {
  const passwords = { ann: "right", bob: "also", n1: "secret" };
  return onBench(import("./users.ts"), { options, passwords });
}

async function login(
  bench: Bench,
  user: string,
  password: string,
  address = "192.0.2.1",
): Promise<unknown> {
  const credentials = { user, password, address };
  const args = await bench.call("client_authenticate", [
    credentials,
    false,
    NOBODY,
  ]);
  return args?.[1];
}

const LOCKED = {
  code: "refused",
  message:
    'Plugin "users" refuses: Too many failed logins of this account from this address',
};

Deno.test("users lets in who gives the account's password, and says no role", async () => {
  await using bench = await users();
  const credentials = { user: "ann", password: "right", address: "" };
  deepStrictEqual(
    await bench.call("client_authenticate", [credentials, false, NOBODY]),
    [credentials, true, NOBODY],
  );
  strictEqual(await login(bench, "ann", "wrong"), false);
  strictEqual(await login(bench, "nobody", "right"), false);
});

Deno.test("users lets in a node that shows its secret, and no other", async () => {
  await using bench = await users();
  for (const [password, isValid] of [["secret", true], ["else", false]]) {
    const credentials = { user: "n1", password, address: "" };
    deepStrictEqual(
      await bench.call("lnm_authenticate", [credentials, false]),
      [credentials, isValid],
    );
  }
});

Deno.test("users leaves a yes of an earlier handler as it is, and counts nothing", async () => {
  await using bench = await users();
  const credentials = { user: "eve", password: "of LDAP", address: "" };
  const identity = { role: "viewer", groups: ["staff"] };
  strictEqual(
    await bench.call("client_authenticate", [credentials, true, identity]),
    null,
  );
  strictEqual(await bench.call("lnm_authenticate", [credentials, true]), null);
  strictEqual(bench.site.state.size, 0);
});

Deno.test("users locks an account for the address from which it was guessed, and for no other", async () => {
  await using bench = await users({ lockout: { failures: 3, for: "10m" } });
  for (let i = 0; i < 3; i++) {
    strictEqual(await login(bench, "ann", `guess ${i}`), false);
  }
  await rejects(
    login(bench, "ann", "right"),
    new UsherError("refused", LOCKED.message, {
      hint: "try again in 10 min",
      subject: "users",
    }),
  );
  strictEqual(await login(bench, "ann", "right", "192.0.2.2"), true);
  strictEqual(await login(bench, "bob", "also"), true);
});

Deno.test("users counts by the network of an IPv6 host", async () => {
  await using bench = await users({ lockout: { failures: 2 } });
  await login(bench, "ann", "guess", "2001:db8::1");
  await login(bench, "ann", "guess", "2001:db8::beef");
  await rejects(login(bench, "ann", "right", "2001:db8::2"), LOCKED);
  strictEqual(await login(bench, "ann", "right", "2001:db8:0:1::1"), true);
  strictEqual(networkOf("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
});

Deno.test("users keeps a lock in its own space, so that a restart does not open it", async () => {
  await using before = await users({ lockout: { failures: 1 } });
  await login(before, "ann", "guess");
  await using after = await users({ lockout: { failures: 1 } });
  for (const [key, value] of before.site.state) {
    after.site.state.set(key, value);
  }
  await rejects(login(after, "ann", "right"), LOCKED);
});

Deno.test("users forgets failures with the right password, and after a quiet time", async () => {
  await using bench = await users({ lockout: { failures: 2 } });
  await login(bench, "ann", "guess");
  strictEqual(bench.site.state.size, 1);
  strictEqual(await login(bench, "ann", "right"), true);
  strictEqual(bench.site.state.size, 0);
  const longAgo = { count: 1, at: Date.now() - 16 * 60_000 };
  bench.site.state.set("failures/192.0.2.1/ann", longAgo);
  strictEqual(await login(bench, "ann", "guess"), false);
  strictEqual(await login(bench, "ann", "right"), true);
});

Deno.test("users opens a lock once it is over", async () => {
  await using bench = await users({ lockout: { failures: 2, for: "5m" } });
  const over = { count: 2, at: Date.now() - 5 * 60_000 };
  bench.site.state.set("failures/192.0.2.1/ann", over);
  strictEqual(await login(bench, "ann", "right"), true);
  const lockout = { failures: 2, within: 1000, for: 1000 };
  strictEqual(lockedMs({ count: 2, at: 5000 }, lockout, 4000), 1000);
  strictEqual(lockedMs({ count: 2, at: 5000 }, lockout, 6000), 0);
});

Deno.test("users lets nobody guess side by side beyond the lock", async () => {
  await using bench = await users({ lockout: { failures: 3 } });
  const guesses = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => login(bench, "ann", `guess ${i}`)),
  );
  const checked = guesses.filter(({ status }) => status === "fulfilled");
  strictEqual(checked.length, 3);
});

Deno.test("users keeps no failures that have long been over", async () => {
  await using bench = await users();
  const at = Date.now() - 3_600_000;
  for (let i = 0; i < 150; i++) {
    bench.site.state.set(`failures/192.0.2.${i}/bob`, { count: 3, at });
  }
  for (let i = 0; i < 100; i++) {
    await login(bench, "ann", "guess", `198.51.100.${i}`);
  }
  strictEqual(bench.site.state.size, 100);
});

Deno.test("users counts nothing that could not be checked", async () => {
  await using bench = await users({ lockout: { failures: 1 } });
  const failure = new UsherError("unavailable", "The store is gone");
  bench.site.failing.set("accounts.check", failure);
  await rejects(login(bench, "ann", "right"), { code: "plugin_failed" });
  bench.site.failing.clear();
  strictEqual(await login(bench, "ann", "right"), true);
});

Deno.test("users keeps nothing when the lock is off, and says what its options may be", async () => {
  await using bench = await users({ lockout: "off" });
  for (let i = 0; i < 30; i++) await login(bench, "ann", "guess");
  strictEqual(await login(bench, "ann", "right"), true);
  strictEqual(bench.site.state.size, 0);
  await rejects(users({ lockout: { failures: 0 } }), /must be 1 at least/);
  await rejects(users({ lockout: { for: "soon" } }), /is no duration/);
});
