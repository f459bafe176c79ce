/**
 * Reading a body: given up at once, also where nothing comes, and let go of.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { chunksOf, textOf } from "./chunks.ts";

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

/** A stream of these bytes, as a platform makes its own or as anybody does. */
function streamOf(
  type: "bytes" | undefined,
  parts: readonly string[],
  { end = "close", onCancel = () => {} }: {
    readonly end?: "close" | "error";
    readonly onCancel?: () => void;
  } = {},
): ReadableStream<Uint8Array> {
  const left = [...parts];
  const source = {
    pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      const part = left.shift();
      if (part !== undefined) {
        return controller.enqueue(new TextEncoder().encode(part));
      }
      if (end === "error") return controller.error(new Error("cut"));
      controller.close();
      const { byobRequest } =
        controller as unknown as ReadableByteStreamController;
      byobRequest?.respond(0);
    },
    cancel: onCancel,
  };
  return type === undefined
    ? new ReadableStream(source, { highWaterMark: 0 })
    : new ReadableStream(
      { ...source, type } as unknown as UnderlyingByteSource,
      { highWaterMark: 0 },
    ) as ReadableStream<Uint8Array>;
}

async function allOf(body: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of chunksOf(body, undefined)) {
    text += new TextDecoder().decode(chunk);
  }
  return text;
}

for (const type of ["bytes", undefined] as const) {
  const what = type === undefined ? "any stream" : "a stream of bytes";
  Deno.test(`chunksOf() reads ${what} to its end`, async () => {
    const parts = ["one", "two", "x".repeat(100_000), "three"];
    strictEqual(await allOf(streamOf(type, parts)), parts.join(""));
    strictEqual(await allOf(streamOf(type, [])), "");
  });

  Deno.test(`chunksOf() of ${what} ends with it, and with its reader`, async () => {
    await rejects(allOf(streamOf(type, ["a"], { end: "error" })), /cut/);
    let cancelled = 0;
    const body = streamOf(type, ["a", "b", "c"], {
      onCancel: () => cancelled++,
    });
    const seen: string[] = [];
    for await (const chunk of chunksOf(body, undefined)) {
      seen.push(new TextDecoder().decode(chunk));
      break;
    }
    deepStrictEqual([seen, cancelled], [["a"], 1]);
  });
}

Deno.test("textOf() puts letters together that come in pieces, and gives up what falls silent", async () => {
  const bytes = new TextEncoder().encode("grün");
  const pieces = ReadableStream.from([bytes.slice(0, 3), bytes.slice(3)]);
  strictEqual(await textOf(pieces, undefined), "grün");
  const { body, left } = quiet();
  await rejects(textOf(body, undefined, 20), /fallen silent/);
  strictEqual(left.length, 1);
  const other = quiet();
  const giving = new AbortController();
  const text = textOf(other.body, giving.signal);
  giving.abort("enough");
  await rejects(text, (error) => error === "enough");
});
