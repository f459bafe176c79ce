import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { clientOf, lines, refusal } from "../../tests/support/fake_client.ts";
import { connect } from "./api.ts";
import { backoffMs, follow, type Followed, type Progress } from "./follow.ts";

const RESULT = { type: "result", result: { outcomes: [] } };

const BODY = { verb: "pause" as const, names: ["web"], id: "r1" };

/** Follows request `r1` with waits that only advance the clock. */
async function run(
  controller: Parameters<typeof clientOf>[0],
  followed: Followed = { id: "r1" },
): Promise<{ types: string[]; waits: number[] }> {
  let now = 0;
  const waits: number[] = [];
  using api = connect({
    controller: "https://ctrl:8440",
    open: () => clientOf(controller),
  });
  const types: string[] = [];
  const frames = follow(api, followed, {
    signal: new AbortController().signal,
    monotonic: () => now,
    random: () => 1,
    sleep(ms) {
      waits.push(ms);
      now += ms;
      return Promise.resolve();
    },
  });
  for await (const { type } of frames as AsyncIterable<Progress>) {
    types.push(type);
  }
  return { types, waits };
}

Deno.test("backoffMs() doubles up to five seconds, half of it by chance", () => {
  deepStrictEqual([0, 1, 2, 10].map((n) => backoffMs(n, 1)), [
    100,
    200,
    400,
    5000,
  ]);
  strictEqual(backoffMs(10, 0), 2500);
});

Deno.test("follow() comes back after each cut, waiting longer while nothing answers", async () => {
  let calls = 0;
  const { types, waits } = await run(() => {
    calls++;
    if (calls === 1) return lines([{ type: "beat" }], "cut");
    if (calls < 4) throw new TypeError("connection refused");
    return lines([RESULT]);
  });
  deepStrictEqual(types, ["lost", "lost", "lost", "result"]);
  deepStrictEqual(waits, [100, 200, 400]);
});

Deno.test("follow() never retries a controller that was not reached at all", async () => {
  let calls = 0;
  await rejects(
    run(() => {
      calls++;
      throw new TypeError("connection refused");
    }, { id: "r1", body: BODY }),
    /Cannot reach the controller/,
  );
  strictEqual(calls, 1);
});

Deno.test("follow() comes back to a request sent before, also when the first connection is cut", async () => {
  let calls = 0;
  const { types } = await run(() => {
    if (++calls === 1) throw new TypeError("peer closed connection");
    return lines([RESULT]);
  });
  deepStrictEqual(types, ["lost", "result"]);
});

Deno.test("follow() never retries what the controller refuses", async () => {
  let calls = 0;
  await rejects(
    run(() => {
      calls++;
      return calls === 1
        ? lines([{ type: "beat" }])
        : refusal("not_found", "There is no such request");
    }),
    /no such request/,
  );
  strictEqual(calls, 2);
});

Deno.test("follow() gives up after two minutes without contact, and says how to come back", async () => {
  let calls = 0;
  await rejects(
    run(() => {
      if (calls++ === 0) return lines([{ type: "beat" }], "cut");
      throw new TypeError("connection refused");
    }),
    (error: Error & { details: { hint: string } }) =>
      /Lost the controller/.test(error.message) &&
      /usher op attach r1/.test(error.details.hint),
  );
});
