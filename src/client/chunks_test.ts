/**
 * Reading a body: given up at once, also where nothing comes, and let go of.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { chunksOf } from "./chunks.ts";

/** A body that says one thing and then nothing, and notes that it was let go of. */
function quiet() {
  const left: unknown[] = [];
  const body = new ReadableStream<Uint8Array>({
    start: (source) => source.enqueue(new Uint8Array([1])),
    cancel: (reason) => void left.push(reason),
  });
  return { body, left };
}

Deno.test("chunksOf() throws the reason of its signal while it waits, and lets the body go", async () => {
  const { body, left } = quiet();
  const giving = new AbortController();
  const chunks = chunksOf(body, giving.signal);
  strictEqual((await chunks.next()).value?.[0], 1);
  const next = chunks.next();
  giving.abort("enough");
  await rejects(next, (error) => error === "enough");
  deepStrictEqual(left, ["enough"]);
});

Deno.test("chunksOf() lets the body go when its reader leaves, and when it was given up before", async () => {
  const first = quiet();
  for await (const _ of chunksOf(first.body, undefined)) break;
  strictEqual(first.left.length, 1);
  const second = quiet();
  const chunks = chunksOf(second.body, AbortSignal.abort("before"));
  await rejects(chunks.next(), (error) => error === "before");
  deepStrictEqual(second.left, ["before"]);
});
