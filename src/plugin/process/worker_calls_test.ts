import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { HandlerCall } from "../runner.ts";
import { WorkerCalls } from "./worker_calls.ts";

function call(deadlineMs: number): HandlerCall {
  return {
    registration: {
      ...{ id: 1, plugin: "slow", event: "e", order: null },
      ...{ options: {}, deadlineMs: null },
    },
    ...{ event: "e", args: [], decision: "d", operation: null },
    ...{ depth: 0, isReplay: false, deadlineMs },
  };
}

const late = {
  code: "plugin_failed",
  message: 'Plugin "slow" failed on "e": no answer within 100 ms',
};

Deno.test("a call that a worker has is late at the second look, so that an answer which waits is heard", async () => {
  const calls = new WorkerCalls();
  const answered = calls.add(call(100), 0, 0);
  const unanswered = calls.add(call(100), 0, 0);
  const [first] = calls.takeWaiting();
  strictEqual(calls.endOverdue(99), false);
  // The controller was held up: both are past their time, and one is answered.
  strictEqual(calls.endOverdue(5000), true);
  calls.end(first?.id ?? 0)?.resolve({ args: [1], tookMs: 1 });
  deepStrictEqual(await answered, { args: [1], tookMs: 1 });
  strictEqual(calls.endOverdue(5050), true);
  await rejects(unanswered, late);
  strictEqual(calls.size, 0);
});

Deno.test("a call that no worker has is late at once", async () => {
  const calls = new WorkerCalls();
  const waiting = calls.add(call(100), 0, 0);
  strictEqual(calls.endOverdue(100), false, "no worker is late with it");
  await rejects(waiting, late);
});

Deno.test("a call that was late with one worker is looked at anew with the next", () => {
  const calls = new WorkerCalls();
  calls.add(call(100), 0, 0).catch(() => {});
  calls.takeWaiting();
  calls.endOverdue(100);
  calls.takeBack("it ended");
  calls.takeWaiting();
  calls.endOverdue(150);
  strictEqual(calls.size, 1);
});
