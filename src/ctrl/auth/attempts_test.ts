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

Deno.test("waitAfter() doubles from the third failure on, up to a minute", () => {
  const waits = Array.from({ length: 12 }, (_, count) => waitAfter(count));
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

Deno.test("Attempts limits an account from everywhere and an address for everyone", () => {
  const attempts = new Attempts();
  failTimes(attempts, 3);
  strictEqual(attempts.waitMs("ann", "10.9.9.9", 0), 1000);
  strictEqual(attempts.waitMs("bob", "10.0.0.1", 0), 1000);
  strictEqual(attempts.waitMs("bob", "10.9.9.9", 0), 0);
});

Deno.test("Attempts forgets after a success, and after a quarter of an hour of quiet", () => {
  const attempts = new Attempts();
  failTimes(attempts, 10);
  attempts.succeeded("ann", "10.0.0.1");
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 0);
  strictEqual(attempts.size, 0);
  failTimes(attempts, 10);
  attempts.failed("ann", "10.0.0.1", 15 * 60_000);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 15 * 60_000), 0);
});

Deno.test("Attempts keeps no more than its limit, and drops the quietest", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 10_500; i++) attempts.failed(`user${i}`, "10.0.0.1", i);
  ok(attempts.size <= 10_000);
  ok(
    attempts.waitMs("new", "10.0.0.1", 10_500) > 0,
    "the address failed last and is still known",
  );
});

Deno.test("Attempts never asks for more than a minute, even when the clock goes back", () => {
  const attempts = new Attempts();
  failTimes(attempts, 30, "ann", "10.0.0.1", 1_000_000);
  strictEqual(attempts.waitMs("ann", "10.0.0.1", 0), 60_000);
});
