/**
 * The rule that tells a leak from the weather.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { growthOf } from "./growth.ts";

function grows(rss: number[], descriptors = rss.map(() => 20)): boolean[] {
  return growthOf(
    rss.map((rssMiB, i) => ({
      role: "ctrl",
      rssMiB,
      descriptors: descriptors[i] ?? 0,
    })),
  ).map((one) => one.grows);
}

Deno.test("growthOf() tells memory that goes on growing, and not one that comes and goes", () => {
  deepStrictEqual(grows([100, 130, 160, 190, 220, 250]), [true]);
  deepStrictEqual(grows([100, 160, 110, 150, 105, 155]), [false]);
  deepStrictEqual(grows([100, 100, 100, 100, 300, 100]), [false]);
});

Deno.test("growthOf() tells descriptors that are not given back", () => {
  const rss = [100, 100, 100, 100];
  deepStrictEqual(grows(rss, [20, 25, 30, 35]), [true]);
  deepStrictEqual(grows(rss, [20, 26, 21, 26]), [false]);
});
