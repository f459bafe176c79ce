/**
 * What the flags of a new VM say, over what a file says.
 *
 * @module
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { placementOf, readNodeLabel } from "./placement.ts";

const NONE = { "node-label": [], "apart-from": [], "together-with": [] };

Deno.test("placementOf() lets flags win over the file, part by part", () => {
  strictEqual(placementOf(undefined, NONE), undefined);
  deepStrictEqual(
    placementOf({ nodeLabels: { zone: "a", ssd: "1" }, apartFrom: ["x"] }, {
      ...NONE,
      "node-label": [["zone", "b"]],
      "together-with": ["db", "cache"],
    }),
    {
      nodeLabels: { zone: "b", ssd: "1" },
      apartFrom: ["x"],
      togetherWith: ["db", "cache"],
    },
  );
});

Deno.test("readNodeLabel() takes a key and any value, also none", () => {
  deepStrictEqual(readNodeLabel("zone=a=b"), ["zone", "a=b"]);
  deepStrictEqual(readNodeLabel("ssd="), ["ssd", ""]);
  for (const word of ["zone", "=a", "a b=c"]) {
    throws(() => readNodeLabel(word), /is no label of a node/, word);
  }
});
