/**
 * Edits: applied to what they were made from they make what they were made to.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { edited, editOf } from "./edit.ts";

const json = fc.jsonValue().filter((value) =>
  !JSON.stringify(value).includes("__proto__")
);

Deno.test("edited() makes of what there was what editOf() was told of", () => {
  fc.assert(
    fc.property(fc.array(json), fc.array(json), (before, after) => {
      const edits = JSON.parse(JSON.stringify(editOf(before, after)));
      const wanted = JSON.parse(JSON.stringify(after));
      deepStrictEqual(
        JSON.parse(JSON.stringify(edited(before, edits))),
        wanted,
      );
    }),
  );
});

Deno.test("an edit names what was changed, and leaves what is another meanwhile", () => {
  const before = { vms: ["a"], names: ["a"], memory: 1, on: "n1" };
  const edits = editOf([before, 1], [
    { vms: ["a"], names: ["a"], memory: 2 },
    1,
  ]);
  deepStrictEqual(edits, [
    { kind: "keys", set: [["memory", 2]], drop: ["on"] },
    { kind: "same" },
  ]);
  deepStrictEqual(edited([{ ...before, vms: ["a", "b"] }, 2], edits), [
    { vms: ["a", "b"], names: ["a"], memory: 2 },
    2,
  ]);
});
