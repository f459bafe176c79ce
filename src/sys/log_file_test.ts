/**
 * Logs that another process writes while they are put aside.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readLogTail, rotateLog } from "./log_file.ts";

async function withLog(
  fn: (path: string, write: (text: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "log" });
  const path = `${folder}/log`;
  using writer = await Deno.open(path, { append: true, create: true });
  try {
    await fn(path, async (text) => {
      await writer.write(new TextEncoder().encode(text));
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function tail(path: string, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readLogTail(path, maxBytes));
}

Deno.test("rotateLog() puts a full log aside, and its writer goes on at the start of an empty one", async () => {
  await withLog(async (path, write) => {
    await write("0123");
    strictEqual(await rotateLog(path, 5), false);
    await write("4567");
    strictEqual(await rotateLog(path, 5), true);
    await write("89");
    strictEqual(await Deno.readTextFile(path), "89");
    strictEqual(await tail(path, 4), "6789");
  });
});

Deno.test("rotateLog() never keeps more than it may, however long nobody rotated", async () => {
  await withLog(async (path, write) => {
    for (let i = 0; i < 100; i++) await write(`${i} `.padStart(10));
    ok(await rotateLog(path, 20));
    const sizes = [path, `${path}.1`].map((name) => Deno.statSync(name).size);
    deepStrictEqual(sizes, [0, 20]);
    strictEqual(await tail(path, 1000), "       98        99 ");
    await write("new");
    ok(await rotateLog(path, 3));
    strictEqual(await tail(path, 1000), "new");
  });
});

Deno.test("rotateLog() and readLogTail() take a log that is not there for an empty one", async () => {
  await withLog(async (path) => {
    strictEqual(await rotateLog(`${path}-none`, 1), false);
    strictEqual(await tail(`${path}-none`, 10), "");
  });
});
