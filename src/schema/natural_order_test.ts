import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { compareNaturally } from "./natural_order.ts";

Deno.test("compareNaturally() has numbers as numbers, however long", () => {
  const sorted = [
    "",
    "db",
    "web-1.lab.ann",
    "web-2.lab.ann",
    "web-10.lab.ann",
    "web.lab.ann",
    "web9",
    "web09",
    "web10",
    "web10a",
    "web99999999999999999998",
    "web99999999999999999999",
    "wec1",
  ];
  deepStrictEqual(sorted.toReversed().sort(compareNaturally), sorted);
});

Deno.test("compareNaturally() is an order", () => {
  const name = fc.stringMatching(/^[ab.0-9-]{0,8}$/);
  fc.assert(fc.property(name, name, name, (a, b, c) => {
    const ab = Math.sign(compareNaturally(a, b));
    const ba = Math.sign(compareNaturally(b, a));
    const isTransitive = !(ab <= 0 && compareNaturally(b, c) <= 0) ||
      compareNaturally(a, c) <= 0;
    return ab === -ba && (ab === 0) === (a === b) && isTransitive;
  }));
});
