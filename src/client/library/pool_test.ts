import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { HttpClient } from "../platform.ts";
import { ConnectionPool } from "./pool.ts";

/** A pool over connections that count, and fail when told to. */
function make() {
  const made = { opened: 0, closed: 0, failing: false };
  const pool = new ConnectionPool((): HttpClient => {
    made.opened++;
    return {
      fetch: () =>
        made.failing
          ? Promise.reject(new TypeError("reset"))
          : Promise.resolve(new Response()),
      openSocket() {
        throw new Error("No sockets here");
      },
      [Symbol.dispose]: () => void made.closed++,
    };
  });
  return { pool, made };
}

Deno.test("a hundred streams share a connection, and it is closed with the last of them", async () => {
  const { pool, made } = make();
  const clients = Array.from({ length: 101 }, () => pool.open(undefined));
  strictEqual(made.opened, 0);
  for (const client of clients) await client.fetch("https://x", {});
  strictEqual(made.opened, 2);
  for (const client of clients) {
    client[Symbol.dispose]();
    client[Symbol.dispose]();
  }
  deepStrictEqual([made.closed, pool.size], [2, 0]);
});

Deno.test("a connection that broke gets no new streams, and cuts no old ones", async () => {
  const { pool, made } = make();
  const [one, two] = [pool.open(undefined), pool.open(undefined)];
  await one.fetch("https://x", {});
  await two.fetch("https://x", {});
  made.failing = true;
  await rejects(one.fetch("https://x", {}), /reset/);
  made.failing = false;
  await one.fetch("https://x", {});
  // `two` may read on over the one that `one` has left.
  deepStrictEqual([made.opened, made.closed], [2, 0]);
  two.broken?.();
  two[Symbol.dispose]();
  deepStrictEqual([made.opened, made.closed], [2, 1]);
  one[Symbol.dispose]();
  strictEqual(made.closed, 2);
});

Deno.test("one who gives up says nothing of the connection", async () => {
  const { pool, made } = make();
  const client = pool.open(undefined);
  made.failing = true;
  const signal = AbortSignal.abort("enough");
  await rejects(client.fetch("https://x", { signal }), /reset/);
  made.failing = false;
  await client.fetch("https://x", {});
  strictEqual(made.opened, 1);
  client[Symbol.dispose]();
});
