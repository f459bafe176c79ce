/**
 * Lanes: order where it is owed, and nowhere else.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Lanes } from "./lanes.ts";

const A = new Set(["a"]);
const B = new Set(["b"]);
const BOTH = new Set(["a", "b"]);

/** Something that is told until it is let end. */
function telling(name: string, said: string[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    tell: async () => {
      said.push(name);
      await promise;
    },
    end: () => resolve(),
  };
}

/** Lets everything run that can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Lanes: one waits for the earlier ones that go to the same plugin, also through others", async () => {
  const lanes = new Lanes();
  const said: string[] = [];
  const [first, second, third, other] = ["a1", "ab", "b3", "b0"].map((name) =>
    telling(name, said)
  );
  const all = [
    lanes.inTurn("x", A, first!.tell),
    lanes.inTurn("x", BOTH, second!.tell),
    lanes.inTurn("x", B, third!.tell),
    lanes.inTurn("y", B, other!.tell),
  ];
  await settled();
  deepStrictEqual(said, ["a1", "b0"]);
  first!.end();
  await settled();
  deepStrictEqual(said, ["a1", "b0", "ab"]);
  second!.end();
  await settled();
  deepStrictEqual(said, ["a1", "b0", "ab", "b3"]);
  third!.end();
  other!.end();
  await Promise.all(all);
  strictEqual(lanes.size, 0);
});

Deno.test("Lanes: one that breaks gives its turn on, and answers what it broke with", async () => {
  const lanes = new Lanes();
  const broken = lanes.inTurn("x", A, () => Promise.reject(new Error("broke")));
  const next = lanes.inTurn("x", A, () => Promise.resolve(7));
  await rejects(broken, /broke/);
  strictEqual(await next, 7);
  strictEqual(lanes.size, 0);
});

Deno.test("Lanes: ten thousand of one thing go through in order", async () => {
  const lanes = new Lanes();
  const said: number[] = [];
  await Promise.all(
    Array.from({ length: 10_000 }, (_, i) =>
      lanes.inTurn("x", BOTH, () => {
        said.push(i);
        return Promise.resolve();
      })),
  );
  strictEqual(said.length, 10_000);
  strictEqual(said.every((one, i) => one === i), true);
});
