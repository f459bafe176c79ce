import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { Pace } from "./pace.ts";

Deno.test("a pace lets the next piece go when the ones before are over at its speed", async () => {
  const clock = new FakeClock();
  const pace = new Pace(1_000, clock);
  const gone: number[] = [];
  const spend = (bytes: number) =>
    pace.spend(bytes).then(() => gone.push(clock.monotonic()));
  const first = spend(500);
  await clock.advance(499);
  deepStrictEqual(gone, []);
  await clock.advance(1);
  await first;
  // What was not used while nothing went is not made up for.
  await clock.advance(10_000);
  const second = spend(2_000);
  await clock.advance(2_000);
  await second;
  deepStrictEqual(gone, [500, 12_500]);
});

Deno.test("a pace without a limit waits for nothing", async () => {
  const clock = new FakeClock();
  await new Pace(null, clock).spend(1e12);
  strictEqual(clock.sleeping, 0);
});
