import assert from "node:assert/strict";
import fc from "fast-check";
import { SortedKeys } from "./sorted_keys.ts";

Deno.test("keys with one beginning are found, in order, whatever came and went", () => {
  const key = fc.string({ unit: "grapheme", maxLength: 4 });
  const deeds = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 60 });
  fc.assert(fc.property(deeds, key, (all, prefix) => {
    const sorted = new SortedKeys();
    const set = new Set<string>();
    for (const [isAdded, one] of all) {
      if (isAdded) set.add(one), sorted.add(one);
      else set.delete(one), sorted.delete(one);
    }
    assert.deepEqual(
      [...sorted.beginning(prefix)],
      [...set].filter((one) => one.startsWith(prefix)).sort((a, b) =>
        a < b ? -1 : 1
      ),
    );
  }));
});
