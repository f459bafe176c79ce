/**
 * Passwords: right and wrong ones, hashes of all kinds, and equal time.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { isUsherError } from "../../error/mod.ts";
import { hashPassword, needsRehash, verifyPassword } from "./password.ts";

// With little work and a salt of zeros; the key comes behind.
const OLD_HASH = "pbkdf2-sha256$1000$AAAAAAAAAAAAAAAAAAAAAA$";
const NO_KEY = "A".repeat(43);

Deno.test("verifyPassword() takes the password that was hashed, and no other", async () => {
  const hash = await hashPassword("correct horse");
  match(hash, /^pbkdf2-sha256\$600000\$[\w-]{22}\$[\w-]{43}$/);
  strictEqual(await verifyPassword("correct horse", hash), true);
  strictEqual(await verifyPassword("correct horsf", hash), false);
  strictEqual(await verifyPassword("", hash), false);
});

Deno.test("hashPassword() never makes the same hash twice", async () => {
  notStrictEqual(await hashPassword("same"), await hashPassword("same"));
});

Deno.test("verifyPassword() takes one spelling of a letter for the other", async () => {
  const hash = await hashPassword("caf\u00e9");
  strictEqual(await verifyPassword("cafe\u0301", hash), true);
});

Deno.test("verifyPassword() refuses for no account and for a hash it cannot read", async () => {
  strictEqual(await verifyPassword("", null), false);
  for (
    const hash of [
      "",
      "plain",
      OLD_HASH + "AA",
      "pbkdf2-sha256$99999999$AAAAAAAAAAAAAAAAAAAAAA$" + NO_KEY,
    ]
  ) {
    strictEqual(await verifyPassword("plain", hash), false);
  }
});

Deno.test("verifyPassword() reads parameters from the hash, and needsRehash() sees weak ones", async () => {
  const { pbkdf2Sync } = await import("node:crypto");
  const key = pbkdf2Sync("old", new Uint8Array(16), 1000, 32, "sha256")
    .toString("base64url");
  strictEqual(await verifyPassword("old", OLD_HASH + key), true);
  strictEqual(needsRehash(OLD_HASH + key), true);
  strictEqual(needsRehash(await hashPassword("new")), false);
});

Deno.test("verifyPassword() does the same work for no account as for a wrong password", async () => {
  const hash = await hashPassword("known");
  const derive = crypto.subtle.deriveBits;
  const work: unknown[] = [];
  crypto.subtle.deriveBits = function (algorithm, key, length) {
    const { iterations, hash } = algorithm as Pbkdf2Params;
    work.push([iterations, hash, length]);
    return derive.call(this, algorithm, key, length);
  };
  try {
    await verifyPassword("wrong", hash);
    await verifyPassword("wrong", null);
  } finally {
    crypto.subtle.deriveBits = derive;
  }
  strictEqual(work.length, 2);
  deepStrictEqual(work[0], work[1]);
});

Deno.test("verifyPassword() refuses a flood instead of filling the memory", async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => verifyPassword("x", OLD_HASH + NO_KEY)),
  );
  const refused = results.filter((r) =>
    r.status === "rejected" && isUsherError(r.reason, "too_many_requests")
  );
  strictEqual(refused.length, 100 - 66);
  strictEqual(await verifyPassword("x", OLD_HASH + NO_KEY), false);
});
