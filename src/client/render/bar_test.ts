import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { barText, paceText } from "./bar.ts";

Deno.test("barText() is as long as asked, and never more than full", () => {
  strictEqual(barText(0, 4), "[----]");
  strictEqual(barText(0.5, 4), "[##--]");
  strictEqual(barText(0.99, 4), "[###-]");
  deepStrictEqual([1, 7, -1].map((share) => barText(share, 4)), [
    "[####]",
    "[####]",
    "[----]",
  ]);
});

Deno.test("paceText() promises nothing before anything is done", () => {
  strictEqual(paceText(0, 10, 5000), "");
  strictEqual(paceText(10, 10, 5000), "");
  strictEqual(paceText(20, 100, 1000), ", 20/s, 4.0s left");
  strictEqual(paceText(2, 10, 1000), ", 2.0/s, 4.0s left");
  strictEqual(paceText(1, 10, 20_000), ", 3.0/min, 3m left");
});
