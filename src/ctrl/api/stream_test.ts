/**
 * Streams with readers that are slow, gone, or fine.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { until } from "../../../tests/support/wait.ts";
import { systemClock } from "../../sys/clock.ts";
import { ndjson } from "./stream.ts";

/** So large that few fit into what may be made ahead. */
const PADDING = "x".repeat(8 * 1024);

/** Counts up for ever; `state` says how far, and whether it was ended. */
function counter() {
  const state = { made: 0, ended: false };
  async function* produce() {
    try {
      for (;;) yield await Promise.resolve([state.made++, PADDING]);
    } finally {
      state.ended = true;
    }
  }
  return { state, produce };
}

const never = siteThatEnds(new AbortController().signal);

function siteThatEnds(closing: AbortSignal) {
  return { closing, context: { clock: systemClock } };
}

Deno.test("ndjson() makes little that is not read, and cuts off who reads nothing", async () => {
  const { state, produce } = counter();
  const response = ndjson(produce, never, { stallMs: 100 });
  const reader = response.body!.getReader();
  await reader.read();
  await until("the producer was ended", () => state.ended);
  strictEqual(state.made <= 20, true, `${state.made} were made`);
  await rejects(async () => {
    for (;;) if ((await reader.read()).done) return;
  }, /took nothing for 100 ms/);
});

Deno.test("ndjson() ends its producer when the reader goes", async () => {
  const { state, produce } = counter();
  const reader = ndjson(produce, never).body!.getReader();
  await reader.read();
  await reader.cancel();
  await until("the producer was ended", () => state.ended);
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
    await ndjson(produce, siteThatEnds(closing.signal)).text(),
    '"a"\n"b"\ntrue\n',
  );
});
