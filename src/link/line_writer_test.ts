import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { LineWriter } from "./line_writer.ts";

const decoder = new TextDecoder();

async function piece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<string | null> {
  const { done, value } = await reader.read();
  return done ? null : decoder.decode(value);
}

Deno.test("LineWriter joins what waits together, in order, and ends after it", async () => {
  const writer = new LineWriter({ onGone() {} });
  for (let i = 0; i < 3; i++) writer.write({ i });
  const reader = writer.stream.getReader();
  strictEqual(await piece(reader), '{"i":0}\n{"i":1}\n{"i":2}\n');
  const next = piece(reader);
  writer.write("a");
  writer.write("é");
  writer.end();
  writer.write("too late");
  strictEqual(await next, '"a"\n"é"\n');
  strictEqual(await piece(reader), null);
});

Deno.test("LineWriter tells how far the reader is behind, and when it has caught up", async () => {
  const writer = new LineWriter({ onGone() {} });
  writer.write("x".repeat(100));
  strictEqual(writer.behind, 103);
  const order: string[] = [];
  const caughtUp = writer.untilBehind(50).then(() => order.push("caught up"));
  await writer.untilBehind(103);
  order.push("still behind");
  const reader = writer.stream.getReader();
  await piece(reader);
  await caughtUp;
  deepStrictEqual(order, ["still behind", "caught up"]);
  strictEqual(writer.behind, 0);
});

Deno.test("LineWriter whose reader goes away says so and lets nobody wait", async () => {
  let gone = 0;
  const writer = new LineWriter({ onGone: () => gone++ });
  writer.write("x".repeat(100));
  const waiting = writer.untilBehind(0);
  await writer.stream.cancel();
  await waiting;
  writer.write("y");
  strictEqual(gone, 1);
});

Deno.test("LineWriter that ends with a failure delivers what came before it", async () => {
  const writer = new LineWriter({ onGone() {} });
  writer.write(1);
  writer.end(new Error("broken"));
  const reader = writer.stream.getReader();
  strictEqual(await piece(reader), "1\n");
  await rejects(piece(reader), /broken/);
});
