/**
 * The guards of a node: which lease they are given, and what the controller
 * is told of them.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import { until } from "../../tests/support/wait.ts";
import type { Guarding, GuardReport } from "../driver/driver.ts";
import type { UpFrame } from "../schema/frame.ts";
import { silentLog } from "../sys/log.ts";
import { Guards } from "./guards.ts";

/** Guards over one that notes what it is asked, and has what the test says. */
function world() {
  const clock = new FakeClock();
  const asked: unknown[] = [];
  const sent: UpFrame[] = [];
  const guard: { report: GuardReport | Error } = {
    report: { guarded: {}, held: {} },
  };
  const guarding: Guarding = {
    renew: (until) => {
      asked.push(["renew", until]);
      return guard.report instanceof Error
        ? Promise.reject(guard.report)
        : Promise.resolve(guard.report);
    },
    release: (uids, until) => {
      asked.push(["release", ...uids, until]);
      return Promise.resolve();
    },
  };
  const drivers = { all: () => [{ name: "other" }, { name: "sim", guarding }] };
  const guards = new Guards(
    { drivers, clock, log: silentLog },
    (frame) => sent.push(frame),
  );
  return { clock, asked, sent, guard, guards };
}

Deno.test("Guards.leased() counts from when the beat was sent, and never goes back", async () => {
  const { clock, asked, guards } = world();
  await clock.advance(10_000);
  guards.began(5000);
  guards.leased(9000);
  await until("it is told", () => asked.length === 1);
  guards.leased(8000); // a late answer
  guards.leased(4000); // one of a lease that is over
  guards.leased(9500);
  await until("it is told", () => asked.length === 2);
  deepStrictEqual(asked, [["renew", 14_000], ["renew", 14_500]]);
  await clock.advance(60_000);
  guards.leased(10_000); // heard by an LNM that was stopped meanwhile
  await guards.release([]);
  deepStrictEqual(asked.slice(2), [["release", 14_500]]);
});

Deno.test("Guards tell what is in hand when it changes and once a session, and ask about what is held", async () => {
  const { sent, asked, guard, guards } = world();
  const renewed = async (at: number) => {
    guards.leased(at);
    await until(
      `${at} is told`,
      () => asked.some((call) => (call as unknown[])[1] === at + 5000),
    );
    await Promise.resolve();
  };
  guards.began(5000);
  guard.report = { guarded: { a: "1" }, held: {} };
  await renewed(1);
  await renewed(2);
  guard.report = { guarded: { a: "1" }, held: { b: "2" } };
  await renewed(3);
  await renewed(4);
  const told = { type: "guarded", domains: { a: "1", b: "2" } } as const;
  const held = { type: "held", domains: { b: "2" } } as const;
  await until("all is sent", () => sent.length === 4);
  deepStrictEqual(sent, [
    { type: "guarded", domains: { a: "1" } },
    told,
    held,
    held,
  ]);
  guards.began(5000);
  await renewed(5);
  await until("it is told anew", () => sent.length === 6);
  deepStrictEqual(sent.slice(4), [told, held]);
  guards.ask();
  deepStrictEqual(sent.slice(6), [held]);
});

Deno.test("Guards that cannot be reached have nothing in hand", async () => {
  const { sent, guard, guards } = world();
  guards.began(5000);
  guard.report = { guarded: { a: "1" }, held: {} };
  guards.leased(1);
  await until("it is told", () => sent.length === 1);
  guard.report = new Error("gone");
  guards.leased(2);
  await until("it is taken back", () => sent.length === 2);
  deepStrictEqual(sent[1], { type: "guarded", domains: {} });
});
