import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { decodeLines, encodeLine } from "./ndjson.ts";

function streamOf(
  ...chunks: (string | Uint8Array)[]
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return ReadableStream.from(
    chunks.map((chunk) =>
      typeof chunk === "string" ? encoder.encode(chunk) : chunk
    ),
  );
}

async function all(stream: ReadableStream<Uint8Array>, limit = 1000) {
  return await Array.fromAsync(decodeLines(stream, limit));
}

Deno.test("decodeLines() reads what encodeLine() writes, however it is cut", async () => {
  const values = [{ a: 1 }, "grüß", [null, true], { nested: { b: "\n" } }];
  const bytes = values.flatMap((value) => [...encodeLine(value)]);
  for (const size of [1, 2, 3, 7, 1000]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      chunks.push(new Uint8Array(bytes.slice(at, at + size)));
    }
    deepStrictEqual(await all(streamOf(...chunks)), values, `in ${size}s`);
  }
});

Deno.test("decodeLines() skips empty lines and ends with the stream", async () => {
  deepStrictEqual(await all(streamOf("\n\n1\n\n2\n")), [1, 2]);
  deepStrictEqual(await all(streamOf()), []);
});

Deno.test("decodeLines() refuses a line over the limit, in one chunk or many", async () => {
  const long = `"${"x".repeat(2000)}"\n`;
  await rejects(all(streamOf(long)), /more than 1000 bytes/);
  await rejects(all(streamOf(...long)), /more than 1000 bytes/);
});

Deno.test("decodeLines() stops reading a line without end at the limit", async () => {
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(100).fill(120));
    },
  });
  await rejects(all(endless), /more than 1000 bytes/);
  strictEqual(pulled < 20, true, `it pulled ${pulled} chunks`);
});

Deno.test("decodeLines() names half a line, invalid UTF-8 and invalid JSON", async () => {
  await rejects(all(streamOf('1\n{"half":')), /ended after 8 bytes/);
  await rejects(all(streamOf(new Uint8Array([34, 255, 34, 10]))), /UTF-8/);
  await rejects(all(streamOf("{oops}\n")), /Cannot read a line/);
});
