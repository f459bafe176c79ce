import { deepStrictEqual } from "node:assert/strict";
import { StartTurns } from "./start_turns.ts";

Deno.test("StartTurns lets the next one begin when one has ended, in order", async () => {
  const turns = new StartTurns(2);
  const begun: string[] = [];
  const begin = async (name: string) => {
    const turn = await turns.take();
    begun.push(name);
    return turn;
  };
  const [first, second] = await Promise.all([begin("a"), begin("b")]);
  const third = begin("c");
  const fourth = begin("d");
  await Promise.resolve();
  deepStrictEqual(begun, ["a", "b"]);
  first[Symbol.dispose]();
  const turn = await third;
  deepStrictEqual(begun, ["a", "b", "c"]);
  second[Symbol.dispose]();
  turn[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
  await begin("e");
  await begin("f");
  deepStrictEqual(begun, ["a", "b", "c", "d", "e", "f"]);
});
