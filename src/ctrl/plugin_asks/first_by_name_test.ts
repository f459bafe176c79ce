/**
 * The first by name, in whatever order they come.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { FirstByName } from "./first_by_name.ts";

Deno.test("FirstByName gathers the first of all that it is given", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 8 }), (all, limit) => {
      const first = new FirstByName<{ name: string }>(limit);
      for (const name of all) if (first.hasRoomFor(name)) first.add({ name });
      deepStrictEqual(
        first.all().map(({ name }) => name),
        all.toSorted((a, b) => a < b ? -1 : 1).slice(0, limit),
      );
    }),
  );
});
