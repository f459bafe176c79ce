import assert from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { askedBy, AskSite, plugin } from "../../../tests/support/ask_site.ts";
import { MAX_SCHEDULED } from "./schedules.ts";

const LATER = plugin("later", {
  asks: ["schedule"],
  grants: { ctx: ["schedule"] },
  events: { tick: "for tests" },
  rate: 100_000,
});

const DAY = 86_400_000;

async function opened(): Promise<{ at: AskSite; clock: FakeClock }> {
  const clock = new FakeClock();
  const at = await AskSite.open({ clock });
  at.use(LATER);
  at.schedules.begin(serving);
  return { at, clock };
}

const schedule = (at: AskSite, params: Record<string, unknown>) =>
  at.ask(
    "schedule.at",
    { event: "tick", args: [], ...params },
    askedBy("later"),
  );

/** A controller that does not end by itself. */
const serving = new AbortController().signal;

Deno.test("what is scheduled fires once, at its time, in order", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  const seconds = (n: number) => new Date(clock.now() + n * 1000).toISOString();
  await schedule(at, { when: seconds(20), args: ["second"] });
  await schedule(at, { when: 10_000, args: ["first"] });
  await clock.advance(9_999);
  assert.deepEqual(at.fired, []);
  await clock.advance(DAY);
  assert.deepEqual(at.fired.map(({ args }) => args[0]), ["first", "second"]);
  assert.deepEqual(at.schedules.of("later"), []);
});

Deno.test("the same key again replaces it, and can be cancelled", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  await schedule(at, { when: 10_000, args: [1], key: "k" });
  await schedule(at, { when: 20_000, args: [2], key: "k" });
  await schedule(at, { when: 20_000, args: [3], key: "other" });
  await at.ask("schedule.cancel", { key: "other" }, askedBy("later"));
  await at.ask("schedule.cancel", { key: "none" }, askedBy("later"));
  await clock.advance(DAY);
  assert.deepEqual(at.fired.map(({ args }) => args[0]), [2]);
});

Deno.test("what passed while the controller was down fires at its start, under the decision that it had", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  at.hold();
  await schedule(at, { when: 60_000, args: ["x"] });
  await clock.advance(60_000);
  const [first] = at.fired;
  // Its chain did not end: this controller is killed, and another comes.
  await using next = await AskSite.open({ clock, store: at.small.store });
  next.use(LATER);
  await clock.advance(DAY);
  assert.deepEqual(next.fired, []);
  next.schedules.begin(serving);
  await clock.advance(0);
  assert.deepEqual(next.fired.map(({ decision }) => decision), [
    first?.decision,
  ]);
});

Deno.test("what a plugin has scheduled waits for it when it is gone", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  await schedule(at, { when: 10_000 });
  at.use();
  await clock.advance(DAY);
  assert.deepEqual(at.fired, []);
  at.use(LATER);
  await clock.advance(0);
  assert.equal(at.fired.length, 1);
});

Deno.test("a reload fires nothing once more whose chain still runs", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  at.hold();
  await schedule(at, { when: 10_000 });
  await clock.advance(10_000);
  at.use(LATER);
  await clock.advance(DAY / 24);
  assert.equal(at.fired.length, 1);
});

Deno.test("scheduling has bounds", async () => {
  const { at } = await opened();
  await using _ = at;
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ when: "soon" }, /no moment/],
    [{ when: "9999-01-01T00:00:00Z" }, /so far ahead/],
    [{ when: 1000, event: "start" }, /does not declare/],
    [{ when: 1000, args: ["x".repeat(40_000)] }, /with so much/],
  ];
  for (const [params, pattern] of bad) {
    await assert.rejects(schedule(at, params), pattern);
  }
  for (let i = 0; i < MAX_SCHEDULED; i++) {
    await schedule(at, { when: DAY, key: `k${i}` });
  }
  await assert.rejects(schedule(at, { when: DAY }), /1000 events scheduled/);
  await schedule(at, { when: 2 * DAY, key: "k1" });
});

Deno.test("events that schedule each other at once come to an end", async () => {
  const { at, clock } = await opened();
  await using _ = at;
  let times = 0;
  const again = (depth: number): Promise<unknown> => {
    times++;
    return at.ask("schedule.at", { when: 0, event: "tick", args: [times] }, {
      ...askedBy("later"),
      event: "tick",
      depth,
    });
  };
  await again(0);
  for (let i = 0; i < 3; i++) {
    await clock.advance(10);
    await again(at.fired.at(-1)?.depth ?? 0);
  }
  await clock.advance(10);
  await assert.rejects(again(at.fired.at(-1)?.depth ?? 0), /may not schedule/);
  // Later is no circle: that is what a schedule is for.
  await at.ask("schedule.at", { when: 5000, event: "tick", args: [] }, {
    ...askedBy("later"),
    depth: 4,
  });
  assert.equal(at.schedules.of("later")[0]?.depth, 0);
});
