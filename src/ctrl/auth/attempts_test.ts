/**
 * The limiter of failed logins, on a time of its own.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Attempts, waitAfter } from "./attempts.ts";

function failTimes(
  attempts: Attempts,
  times: number,
  user = "ann",
  address = "10.0.0.1",
  now = 0,
): void {
  for (let i = 0; i < times; i++) attempts.failed(user, address, now);
}

Deno.test("waitAfter() doubles once nothing is free any more, up to a minute", () => {
  const waits = Array.from({ length: 12 }, (_, count) => waitAfter(count, 3));
  deepStrictEqual(waits, [
    0,
    0,
    0,
    1000,
    2000,
    4000,
    8000,
    16_000,
    32_000,
    60_000,
    60_000,
    60_000,
  ]);
});

Deno.test("Attempts lets two failures pass and makes the third wait", () => {
  const attempts = new Attempts();
  failTimes(attempts, 2);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 0);
  failTimes(attempts, 1);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 1000);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 400), 600);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 1000), 0);
});

Deno.test("Attempts never makes an address wait that has not failed, whatever others do", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 1000; i++) {
    attempts.failed("ann", `10.1.${i >> 8}.${i & 255}`, 0);
  }
  failTimes(attempts, 1000);
  strictEqual(attempts.waitMs("ann", "10.9.9.9", 0), 0);
  strictEqual(attempts.waitMs("bob", "10.9.9.9", 0), 0);
});

Deno.test("Attempts gives nobody a second guess for nothing while an account is attacked", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 20; i++) attempts.failed("ann", `10.1.0.${i}`, 0);
  strictEqual(attempts.waitMs("ann", "10.1.0.0", 0), 1000);
  failTimes(attempts, 1, "ann", "10.9.9.9");
  strictEqual(attempts.waitMs("ann", "10.9.9.9", 0), 1000);
  strictEqual(attempts.waitMs("bob", "10.9.9.9", 0), 0);
});

Deno.test("Attempts makes an address wait that tries account after account", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 9; i++) attempts.failed(`user${i}`, "10.0.0.1", 0);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 0);
  attempts.failed("user9", "10.0.0.1", 0);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 1000);
});

Deno.test("Attempts takes the addresses of one IPv6 host for one", () => {
  const attempts = new Attempts();
  failTimes(attempts, 2, "ann", "2001:db8:0:7::1");
  failTimes(attempts, 1, "ann", "2001:db8:0:7:1:2:3:4");
  strictEqual(attempts.waitMs("ann", "2001:db8:0:7::99", 0), 1000);
  strictEqual(attempts.waitMs("ann", "2001:db8:0:8::99", 0), 0);
  failTimes(attempts, 3, "bob", "::ffff:10.0.0.1");
  strictEqual(attempts.waitMs("bob", "::ffff:10.0.0.2", 0), 0);
});

Deno.test("Attempts forgets after a success, and after a quarter of an hour of quiet", () => {
  const attempts = new Attempts();
  failTimes(attempts, 3);
  attempts.succeeded("ann", "10.0.0.1");
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 0);
  failTimes(attempts, 10);
  attempts.failed("ann", "10.0.0.1", 15 * 60_000);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 15 * 60_000), 0);
});

Deno.test("Attempts lets nobody clear an address by a login of their own in between", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 20; i++) {
    attempts.failed(`user${i}`, "10.0.0.1", 0);
    attempts.failed("mallory", "10.0.0.1", 0);
    attempts.succeeded("mallory", "10.0.0.1");
  }
  ok(attempts.waitMs("ann", "10.0.0.1", 0) > 0);
});

Deno.test("Attempts keeps no more than its limit, and drops the quietest", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 20_000; i++) attempts.failed(`user${i}`, "10.0.0.1", i);
  ok(attempts.size <= 30_000);
  ok(
    attempts.waitMs("new", "10.0.0.1", 20_000) > 0,
    "the address failed last and is still known",
  );
});

Deno.test("Attempts never asks for more than a minute, even when the clock goes back", () => {
  const attempts = new Attempts();
  failTimes(attempts, 30, "ann", "10.0.0.1", 1_000_000);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 60_000);
});
