/**
 * The lease: the order of events that it promises, for every delay and every
 * clock that is allowed.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import {
  DRIFT,
  leaseEnd,
  leastMarginMs,
  LOOK_MS,
  mayTakeOver,
  STOP_MS,
} from "./lease.ts";

Deno.test("mayTakeOver() waits for the lease and the margin", () => {
  const terms = { leaseMs: 15_000, marginMs: 10_000 };
  deepStrictEqual(
    [0, 15_000, 24_999, 25_000, 60_000].map((ms) => mayTakeOver(ms, terms)),
    [false, false, false, true, true],
  );
});

Deno.test("leastMarginMs() is what a guard needs, and no less", () => {
  for (const leaseMs of [1000, 15_000, 600_000]) {
    const marginMs = leastMarginMs(leaseMs);
    const paused = (leaseMs + LOOK_MS + STOP_MS) * (1 + DRIFT);
    ok(paused < (leaseMs + marginMs) * (1 - DRIFT));
    ok(paused >= (leaseMs + marginMs - 1) * (1 - DRIFT));
  }
  strictEqual(leastMarginMs(15_000), 2285);
});

/** A rate of a clock: how many of its ms go by in one real ms. */
const rate = fc.double({
  min: 1 - DRIFT,
  max: 1 + DRIFT,
  noNaN: true,
});

Deno.test("no takeover begins before the guard has paused, whatever the delays and the clocks", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 3_600_000 }),
      fc.nat(60_000),
      fc.nat({ max: 3_600_000 }),
      fc.nat({ max: 10 ** 12 }),
      rate,
      rate,
      (leaseMs, more, delayMs, sentAt, nodeRate, ctrlRate) => {
        const marginMs = leastMarginMs(leaseMs) + more;
        // In real time, from the moment when the beat was sent.
        const ranFor = leaseEnd(sentAt, leaseMs) - sentAt + LOOK_MS + STOP_MS;
        const paused = ranFor / nodeRate;
        const waited = leaseMs + marginMs;
        ok(mayTakeOver(waited, { leaseMs, marginMs }));
        const takenOver = delayMs + waited / ctrlRate;
        ok(paused < takenOver, `${paused} < ${takenOver}`);
      },
    ),
  );
});
