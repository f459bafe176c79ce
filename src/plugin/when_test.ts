import assert from "node:assert/strict";
import { isUsherError } from "../error/mod.ts";
import { readPeriod, readWhen } from "./when.ts";

const refused = (field: string, pattern: RegExp) => (error: unknown) =>
  isUsherError(error, "invalid_input") && error.details.field === field &&
  pattern.test(error.message);

Deno.test("a moment has its zone, or counts from the start", () => {
  assert.deepEqual(readWhen("+90s"), { type: "after", ms: 90_000 });
  const at = Date.UTC(2027, 0, 31, 3);
  for (const text of ["2027-01-31T03:00Z", "2027-01-31T04:00:00.0+01:00"]) {
    assert.deepEqual(readWhen(text), { type: "at", at });
  }
  for (
    const text of [
      "tomorrow",
      "2027-01-01 03:00",
      "2027-01-01T03:00:00",
      "2027-13-01T03:00:00Z",
      "+soon",
      "+30",
      "",
    ]
  ) assert.throws(() => readWhen(text), refused("when", /is no moment/), text);
});

Deno.test("a period is a duration, or five fields of cron in UTC", () => {
  assert.deepEqual(readPeriod(5000), { type: "every", ms: 5000 });
  const cron = readPeriod("*/15 3 * * 1");
  assert.ok(cron.type === "cron");
  const monday = Date.UTC(2026, 10, 30, 3, 15);
  assert.equal(cron.next(Date.UTC(2026, 10, 30, 3)), monday);
  assert.equal(cron.next(monday), Date.UTC(2026, 10, 30, 3, 30));
  const wrong: [string, RegExp][] = [
    ["* * * * x", /is no cron pattern/],
    ["61 * * * *", /is no cron pattern/],
    ["* * * * * *", /is no cron pattern/],
    ["0 0 31 2 *", /it never comes/],
  ];
  for (const [text, pattern] of wrong) {
    assert.throws(() => readPeriod(text), refused("period", pattern), text);
  }
});
