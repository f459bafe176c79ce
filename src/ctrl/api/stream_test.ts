/**
 * Streams with readers that are slow, gone, or fine.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { until } from "../../../tests/support/wait.ts";
import { ndjson } from "./stream.ts";

/** Counts up for ever; `state` says how far, and whether it was ended. */
function counter() {
  const state = { made: 0, ended: false };
  async function* produce() {
    try {
      for (;;) yield await Promise.resolve(state.made++);
    } finally {
      state.ended = true;
    }
  }
  return { state, produce };
}

const never = new AbortController().signal;

Deno.test("ndjson() makes nothing that is not read, and cuts off who reads nothing", async () => {
  const { state, produce } = counter();
  const response = ndjson(produce, never, { stallMs: 100 });
  const reader = response.body!.getReader();
  await reader.read();
  await until("the producer was ended", () => state.ended);
  strictEqual(state.made <= 3, true, `${state.made} were made`);
  await rejects(async () => {
    for (;;) if ((await reader.read()).done) return;
  }, /takes nothing/);
});

Deno.test("ndjson() ends its producer when the reader goes", async () => {
  const { state, produce } = counter();
  const reader = ndjson(produce, never).body!.getReader();
  await reader.read();
  await reader.cancel();
  strictEqual(state.ended, true);
});

Deno.test("ndjson() gives a reader that reads everything, and then ends", async () => {
  const closing = new AbortController();
  async function* produce(signal: AbortSignal) {
    yield "a";
    yield await Promise.resolve("b");
    closing.abort();
    yield signal.aborted;
  }
  deepStrictEqual(
    await ndjson(produce, closing.signal).text(),
    '"a"\n"b"\ntrue\n',
  );
});
