/**
 * What a stop does to a start that is under way.
 *
 * @module
 */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { absent } from "./absent.ts";
import { Starts, type Stopping } from "./starts.ts";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;

/** A start that ends when its power is cut, or when it is let. */
function startOf(starts: Starts, said: string[]) {
  const up = Promise.withResolvers<void>();
  const report = starts.joined("web", never, async (cancel) => {
    const end = () => up.reject(new Error("cut"));
    if (cancel.aborted) end();
    cancel.addEventListener("abort", end);
    await up.promise.finally(() => said.push("started"));
    return absent("web");
  });
  return { letUp: up.resolve, report };
}

function stopping(said: string[]): Stopping {
  return {
    shutDown(graceMs) {
      said.push(`asked for ${graceMs} ms`);
      return Promise.resolve(absent("web"));
    },
    cutPower() {
      said.push("cut");
      return Promise.resolve();
    },
    report: () => absent("web"),
  };
}

Deno.test("Starts.stop() lets a start come before a shutdown", async () => {
  const said: string[] = [];
  const starts = new Starts(new Turns());
  const start = startOf(starts, said);
  const options = { graceMs: 100, signal: never };
  const stop = starts.stop("web", options, stopping(said));
  start.letUp();
  await stop;
  deepStrictEqual(said, ["started", "asked for 100 ms"]);
  await start.report;
});

Deno.test("Starts.stop() ends a start whose power is cut, and then cuts it", async () => {
  const said: string[] = [];
  const starts = new Starts(new Turns());
  const start = startOf(starts, said);
  const failed = rejects(start.report, /cut/);
  const options = { graceMs: 0, signal: never };
  await starts.stop("web", options, stopping(said));
  deepStrictEqual(said, ["started", "cut"]);
  await failed;
});

Deno.test("Starts.stop() touches no start when nobody waits for it any more", async () => {
  const said: string[] = [];
  const starts = new Starts(new Turns());
  const start = startOf(starts, said);
  const options = { graceMs: 0, signal: AbortSignal.abort() };
  await rejects(starts.stop("web", options, stopping(said)));
  deepStrictEqual(said, []);
  start.letUp();
  await start.report;
});
