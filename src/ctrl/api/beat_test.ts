import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { BEAT_MS, withBeats } from "./beat.ts";

/** Lines that come when they are told to. */
function source() {
  let next = Promise.withResolvers<string | null>();
  async function* lines() {
    for (;;) {
      const line = await next.promise;
      next = Promise.withResolvers();
      if (line === null) return;
      yield line;
    }
  }
  return {
    lines: lines(),
    say: (line: string | null) => next.resolve(line),
    fail: (error: Error) => next.reject(error),
  };
}

Deno.test("withBeats() gives a beat wherever nothing came for a while, and every line", async () => {
  const clock = new FakeClock();
  const { lines, say } = source();
  const all = withBeats(lines, clock, () => "beat");
  const first = all.next();
  say("a");
  deepStrictEqual(await first, { done: false, value: "a" });
  const beats = all.next();
  await clock.advance(BEAT_MS - 1);
  await clock.advance(1);
  deepStrictEqual(await beats, { done: false, value: "beat" });
  const second = all.next();
  say("b");
  deepStrictEqual(await second, { done: false, value: "b" });
  const last = all.next();
  say(null);
  strictEqual((await last).done, true);
});

Deno.test("withBeats() fails as its lines do, and is left while they wait", async () => {
  const clock = new FakeClock();
  const { lines, fail } = source();
  const failing = withBeats(lines, clock, () => "beat");
  const next = failing.next();
  fail(new Error("gone"));
  await rejects(next, /gone/);
  const left = withBeats(source().lines, clock, () => "beat");
  const beat = left.next();
  await clock.advance(BEAT_MS);
  await beat;
  strictEqual((await left.return(undefined)).done, true);
});
