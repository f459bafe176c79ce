import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { NewestQueue } from "./newest_queue.ts";

Deno.test("a slow reader gets of each key the newest, in the order in which the keys came", async () => {
  const queue = new NewestQueue<string>();
  for (let i = 0; i < 1000; i++) {
    queue.put("a", `a${i}`);
    queue.put("b", `b${i}`);
  }
  strictEqual(queue.size, 2);
  deepStrictEqual((await queue.next()).value, "a999");
  queue.put("a", "again");
  deepStrictEqual((await queue.next()).value, "b999");
  deepStrictEqual((await queue.next()).value, "again");
});

Deno.test("a reader that waits is woken, and what waits is read before the end", async () => {
  const queue = new NewestQueue<number>();
  const first = queue.next();
  queue.put("x", 1);
  strictEqual((await first).value, 1);
  queue.put("x", 2);
  queue.end();
  queue.put("x", 3);
  strictEqual((await queue.next()).value, 2);
  strictEqual((await queue.next()).done, true);
  strictEqual((await queue.next()).done, true);
});

Deno.test("an end with an error is thrown, and one who leaves is told of", async () => {
  const failed = new NewestQueue<number>();
  failed.end(new Error("lost"));
  await rejects(failed.next(), /lost/);
  let left = 0;
  const queue = new NewestQueue<number>(() => left++);
  queue.put("x", 1);
  for await (const value of queue) {
    strictEqual(value, 1);
    break;
  }
  strictEqual(left, 1);
  strictEqual((await queue.next()).done, true);
});
