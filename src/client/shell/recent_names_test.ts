/**
 * Names are asked for once while they are fresh.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { RecentNames } from "./recent_names.ts";

Deno.test("names are asked for once in a while, again after a command and after a failure", async () => {
  let now = 0;
  let fails = false;
  const asked: string[] = [];
  const recent = new RecentNames(() => now, (kind) => {
    asked.push(kind);
    return fails
      ? Promise.reject(new Error("away"))
      : Promise.resolve([[`${kind}1`, ""] as const]);
  });
  const look = async () =>
    [await recent.of("user"), await recent.of("token")].flat()
      .map(([name]) => name);
  deepStrictEqual(await look(), ["user1", "token1"]);
  deepStrictEqual(await look(), ["user1", "token1"]);
  deepStrictEqual(asked.splice(0), ["user", "token"]);
  now = 30_000;
  await look();
  deepStrictEqual(asked.splice(0), ["user", "token"]);
  recent.clear();
  fails = true;
  deepStrictEqual(await look(), []);
  fails = false;
  deepStrictEqual(await look(), ["user1", "token1"]);
  deepStrictEqual(asked, ["user", "token", "user", "token"]);
});
