import { strictEqual } from "node:assert/strict";
import { placeOf } from "./place.ts";

const HASH = "a".repeat(64);

const CASES: readonly (readonly [string, string | null])[] = [
  [
    `Error: x\n    at f (ext:core/a.js:1:1)\n    at start (file:///var/lib/usher/plugins/${HASH}/lib/a.ts:3:7)`,
    "lib/a.ts:3:7",
  ],
  [`Error: x\n    at file:///w/plugins/sample.ts:12:5`, "sample.ts:12:5"],
  [`Error: x\n    at file:///w/src/plugin/instance.ts:12:5`, null],
  ["Error: x", null],
];

Deno.test("placeOf() finds the first line of a plugin's own", () => {
  for (const [stack, place] of CASES) strictEqual(placeOf(stack), place);
});
