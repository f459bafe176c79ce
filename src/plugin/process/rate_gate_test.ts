import { deepStrictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { RateGate } from "./rate_gate.ts";

Deno.test("RateGate lets so many through in a second, and tells the first that is too many", async () => {
  const clock = new FakeClock();
  const gate = new RateGate(clock, 2);
  const take = () => [gate.passes(), gate.isFirstOver];
  deepStrictEqual([take(), take(), take(), take()], [
    [true, false],
    [true, false],
    [false, true],
    [false, false],
  ]);
  await clock.advance(1000);
  deepStrictEqual(take(), [true, false]);
});
