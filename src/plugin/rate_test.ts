import assert from "node:assert/strict";
import { type RateAnswer, RateBucket } from "./rate.ts";

/** Takes `count` messages at `at`, and counts the answers. */
function take(bucket: RateBucket, count: number, at: number) {
  const counts: Record<RateAnswer, number> = { passes: 0, over: 0, flood: 0 };
  for (let i = 0; i < count; i++) counts[bucket.take(at)]++;
  return counts;
}

Deno.test("a second's worth passes at once, and what is more is turned away", () => {
  const bucket = new RateBucket(100, 0);
  assert.deepEqual(take(bucket, 150, 0), { passes: 100, over: 50, flood: 0 });
});

Deno.test("room comes back with time, and never more than a second's worth", () => {
  const bucket = new RateBucket(100, 0);
  take(bucket, 100, 0);
  assert.equal(take(bucket, 100, 250).passes, 25);
  assert.equal(take(bucket, 1000, 3_600_000).passes, 100);
});

Deno.test("the steady rate passes for ever", () => {
  const bucket = new RateBucket(100, 0);
  for (let at = 0; at < 100_000; at += 10) {
    assert.equal(bucket.take(at), "passes");
  }
});

Deno.test("ten times the rate is a flood", () => {
  const bucket = new RateBucket(100, 0);
  const { passes, over, flood } = take(bucket, 2000, 0);
  assert.deepEqual({ passes, over }, { passes: 100, over: 1000 });
  assert.equal(flood, 900);
});

Deno.test("twice the rate is turned away in part, and is no flood however long it lasts", () => {
  const bucket = new RateBucket(100, 0);
  for (let at = 0; at < 100_000; at += 5) {
    assert.notEqual(bucket.take(at), "flood");
  }
});

Deno.test("a clock that goes back adds nothing", () => {
  const bucket = new RateBucket(100, 1000);
  take(bucket, 100, 1000);
  assert.equal(take(bucket, 10, 0).passes, 0);
});
