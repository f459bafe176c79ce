import assert from "node:assert/strict";
import {
  JumpingClock,
  openClocks as open,
  registration,
  use,
} from "../../../tests/support/plugin_clocks.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { isoTime } from "../../sys/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

const minutes = (told: readonly { at: string }[]) =>
  told.map(({ at }) => (Date.parse(at) - START) / MINUTE);

/** A controller that does not end by itself. */
const serving = new AbortController().signal;

Deno.test("a period comes again and again, for its registration alone, and does not drift", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [
    registration(1, { period: 5 * MINUTE }),
    registration(2, { period: 20 * MINUTE }, "q"),
  ]);
  at.clocks.begin(serving);
  await clock.advance(20 * MINUTE + 17);
  assert.deepEqual(minutes(at.told.filter(({ only }) => only === 1)), [
    5,
    10,
    15,
    20,
  ]);
  assert.deepEqual(minutes(at.told.filter(({ only }) => only === 2)), [20]);
  assert.equal(new Set(at.told.map(({ decision }) => decision)).size, 5);
});

Deno.test("nothing runs before the controller serves", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [registration(1, { period: MINUTE })]);
  await clock.advance(HOUR);
  assert.deepEqual(at.told, []);
  at.clocks.begin(serving);
  await clock.advance(MINUTE);
  assert.equal(at.told.length, 1);
});

Deno.test("a clock that jumps brings no storm and loses nothing", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [
    registration(1, { period: 10 * MINUTE }),
    registration(2, { period: "0 * * * *" }),
  ]);
  at.clocks.begin(serving);
  const of = (id: number) => at.told.filter(({ only }) => only === id).length;
  await clock.advance(HOUR);
  assert.deepEqual([of(1), of(2)], [6, 1]);
  // A day ahead: the hours between come once, all together.
  clock.put(DAY);
  await clock.advance(MINUTE);
  assert.deepEqual([of(1), of(2)], [6, 2]);
  await clock.advance(4 * MINUTE);
  await clock.advance(HOUR);
  assert.deepEqual([of(1), of(2)], [12, 3]);
  // A little back: the hour that was does not come again.
  clock.put(-30 * MINUTE);
  await clock.advance(30 * MINUTE);
  assert.equal(of(2), 3);
  await clock.advance(HOUR);
  assert.equal(of(2), 4);
  // Far back: the clock was wrong before, and hours go on.
  clock.put(-20 * DAY);
  await clock.advance(3 * HOUR);
  assert.equal(of(2), 7);
  assert.equal(of(1), 39);
});

Deno.test("a chain that still runs is passed over and counted", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [registration(1, { period: MINUTE })]);
  at.clocks.begin(serving);
  const { promise, resolve } = Promise.withResolvers<void>();
  at.end.wait = promise;
  await clock.advance(4 * MINUTE);
  assert.equal(at.told.length, 1);
  assert.deepEqual(at.passedOver, [1, 1, 1]);
  // After a reload, which gives it another number, it is still the same.
  await use(at.clocks, [registration(7, { period: MINUTE })]);
  await clock.advance(MINUTE);
  assert.deepEqual(at.passedOver, [1, 1, 1, 7]);
  resolve();
  await clock.advance(MINUTE);
  assert.deepEqual(minutes(at.told), [1, 6]);
});

Deno.test("what came while the controller was down comes once, at its start", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const rules = [
    registration(1, { period: HOUR }),
    registration(2, { period: "30 * * * *" }),
  ];
  {
    await using at = await open(clock, store);
    await use(at.clocks, rules);
    at.clocks.begin(serving);
    await clock.advance(90 * MINUTE);
    assert.deepEqual(minutes(at.told), [30, 60, 90]);
  }
  {
    // Back before it was due: it comes when it would have.
    await clock.advance(10 * MINUTE);
    await using at = await open(clock, store);
    await use(at.clocks, rules);
    at.clocks.begin(serving);
    await clock.advance(20 * MINUTE);
    assert.deepEqual(minutes(at.told), [120]);
  }
  await clock.advance(DAY);
  await using at = await open(clock, store);
  await use(at.clocks, rules);
  at.clocks.begin(serving);
  await clock.advance(0);
  assert.deepEqual(at.told.map(({ only }) => only).sort(), [1, 2]);
});

Deno.test("a timer fires once in the life of its registration, also over restarts", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const when = isoTime(START + HOUR);
  for (const [advance, times] of [[30, 0], [60, 1], [60, 0]] as const) {
    await using at = await open(clock, store);
    await use(at.clocks, [registration(1, { when })]);
    at.clocks.begin(serving);
    await clock.advance(advance * MINUTE);
    assert.equal(at.told.length, times);
  }
});

Deno.test("a timer whose moment passed while the controller was down fires at its start", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const rule = registration(1, { when: isoTime(START + HOUR) });
  {
    await using at = await open(clock, store);
    await use(at.clocks, [rule]);
    at.clocks.begin(serving);
  }
  await clock.advance(DAY);
  await using at = await open(clock, store);
  assert.equal(at.clocks.isKnownTimer("p", rule.when ?? ""), true);
  assert.equal(at.clocks.isKnownTimer("q", rule.when ?? ""), false);
  await use(at.clocks, [rule]);
  at.clocks.begin(serving);
  await clock.advance(0);
  assert.equal(at.told.length, 1);
});

Deno.test("a timer whose chain did not end fires again under the same decision", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const rule = registration(1, { when: isoTime(START + HOUR) });
  const decisions: string[] = [];
  for (let life = 0; life < 2; life++) {
    await using at = await open(clock, store);
    at.end.wait = new Promise(() => {});
    await use(at.clocks, [rule]);
    at.clocks.begin(serving);
    await clock.advance(HOUR);
    decisions.push(...at.told.map(({ decision }) => decision));
  }
  assert.equal(decisions.length, 2);
  assert.equal(new Set(decisions).size, 1);
});

Deno.test("a timer whose chain the controller's end has cut off fires again", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const rule = registration(1, { when: isoTime(START + HOUR) });
  const cutOff = Promise.withResolvers<void>();
  const closing = new AbortController();
  {
    await using at = await open(clock, store);
    at.end.wait = cutOff.promise;
    await use(at.clocks, [rule]);
    at.clocks.begin(closing.signal);
    await clock.advance(HOUR);
    closing.abort();
    cutOff.resolve();
    await clock.advance(0);
  }
  await using at = await open(clock, store);
  await use(at.clocks, [rule]);
  at.clocks.begin(serving);
  await clock.advance(0);
  assert.equal(at.told.length, 1);
});

Deno.test("of a plugin that is forgotten, a timer is new again", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  const rule = registration(1, { when: isoTime(START + HOUR) });
  await using at = await open(clock, store);
  at.clocks.begin(serving);
  await use(at.clocks, [rule]);
  await clock.advance(HOUR + 1);
  await use(at.clocks, []);
  const isKnown = () => at.clocks.isKnownTimer("p", rule.when ?? "");
  await at.clocks.forget("other");
  assert.equal(isKnown(), true);
  await at.clocks.forget("p");
  assert.equal(isKnown(), false);
});

Deno.test("+30s is so long after each start", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  for (let life = 0; life < 2; life++) {
    await using at = await open(clock, store);
    await use(at.clocks, [registration(1, { when: "+30s" })]);
    at.clocks.begin(serving);
    await clock.advance(29_999);
    assert.equal(at.told.length, 0);
    await clock.advance(HOUR);
    assert.equal(at.told.length, 1);
  }
});

Deno.test("a reload puts off no clock of a registration that stays, and ends those that go", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [
    registration(1, { period: 30 * MINUTE }),
    registration(2, { period: 30 * MINUTE }, "q"),
    registration(3, { when: "+10s" }),
  ]);
  at.clocks.begin(serving);
  await clock.advance(20 * MINUTE);
  assert.deepEqual(at.told.map(({ only }) => only), [3]);
  await use(at.clocks, [
    registration(7, { when: "+10s" }),
    registration(8, { period: 30 * MINUTE }),
  ]);
  await clock.advance(10 * MINUTE);
  assert.deepEqual(at.told.map(({ only }) => only), [3, 8]);
});

Deno.test("+10s counts anew for a plugin that begins anew, also while it waits or its handler runs", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  const rules = (from: number) => [
    registration(from, { when: "+10s" }),
    registration(from + 1, { when: "+10s" }, "q"),
  ];
  at.end.wait = new Promise(() => {});
  await use(at.clocks, rules(1));
  at.clocks.begin(serving);
  await clock.advance(6000);
  await use(at.clocks, rules(3), new Set(["q"]));
  await clock.advance(6000);
  assert.deepEqual(at.told.map(({ only }) => only), [3]);
  await clock.advance(6000);
  assert.deepEqual(at.told.map(({ only }) => only), [3, 4]);
  await use(at.clocks, rules(5), new Set(["p", "q"]));
  await clock.advance(HOUR);
  assert.deepEqual(at.told.map(({ only }) => only), [3, 4, 5, 6]);
  assert.deepEqual(at.passedOver, []);
});

Deno.test("two registrations that are alike have a clock each", async () => {
  const clock = new JumpingClock();
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [
    registration(1, { period: MINUTE }),
    registration(2, { period: MINUTE }),
  ]);
  at.clocks.begin(serving);
  await clock.advance(MINUTE);
  assert.deepEqual(at.told.map(({ only }) => only).sort(), [1, 2]);
});

Deno.test("cron counts in UTC", async () => {
  const clock = new JumpingClock(Date.UTC(2026, 0, 2, 3));
  await using store = await openMemoryStore();
  await using at = await open(clock, store);
  await use(at.clocks, [registration(1, { period: "15 3 2 * *" })]);
  at.clocks.begin(serving);
  await clock.advance(HOUR);
  assert.deepEqual(at.told.map((one) => one.at), ["2026-01-02T03:15:00.000Z"]);
});
