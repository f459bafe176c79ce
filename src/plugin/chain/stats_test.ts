/**
 * What is counted of calls.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { CallStats, Histogram } from "./stats.ts";

Deno.test("Histogram tells quantiles within a tenth, from microseconds to minutes", () => {
  for (const ms of [0.02, 0.25, 1, 17, 4000, 120_000]) {
    const times = new Histogram();
    for (let i = 0; i < 100; i++) times.add(ms);
    const told = times.quantile(0.5) ?? 0;
    ok(Math.abs(told - ms) <= ms * 0.1, `${ms} is told as ${told}`);
  }
});

Deno.test("Histogram keeps the few slow ones apart from the many that are not", () => {
  const times = new Histogram();
  for (let i = 0; i < 980; i++) times.add(1);
  for (let i = 0; i < 20; i++) times.add(500);
  ok((times.quantile(0.5) ?? 0) < 1.2);
  ok((times.quantile(0.99) ?? 0) > 400);
  strictEqual(new Histogram().quantile(0.5), null);
});

Deno.test("Histogram takes times that are none, and those beyond its end", () => {
  const times = new Histogram();
  for (const ms of [0, -1, NaN, 1e12]) times.add(ms);
  ok((times.quantile(0.5) ?? NaN) < 0.01);
  ok((times.quantile(1) ?? 0) > 300_000);
});

Deno.test("CallStats shows nothing of times before the first call, and the last error after", () => {
  const stats = new CallStats();
  deepStrictEqual(stats.view(), {
    calls: 0,
    failures: 0,
    refusals: 0,
    p50Ms: null,
    p99Ms: null,
    lastError: null,
    skipped: 0,
    lastSkippedAt: null,
  });
  stats.ended(1);
  stats.failed("first");
  stats.failed("second");
  const { calls, failures, lastError } = stats.view();
  deepStrictEqual([calls, failures, lastError], [1, 2, "second"]);
});
