/**
 * The check of a stored state: a sound one has nothing wrong with it, and each
 * damage is found by its rule.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { DAMAGES, soundState } from "../../../tests/support/stored.ts";
import { checkEntries } from "./check.ts";

Deno.test("checkEntries() finds nothing in a sound state, and counts what is there", () => {
  const { findings, counts, revision } = checkEntries(soundState().entries());
  deepStrictEqual(findings, []);
  deepStrictEqual([counts.vm, counts.operation, revision], [2, 2, 6]);
});

Deno.test("checkEntries() finds nothing in a state that holds nothing yet", () => {
  const schema = { key: ["meta", "schema"], value: { version: 1 } };
  deepStrictEqual(checkEntries([schema]).findings, []);
});

for (const [rule, what, damage] of DAMAGES) {
  Deno.test(`checkEntries() finds ${what} (${rule})`, () => {
    const records = soundState();
    damage(records);
    const { findings } = checkEntries(records.entries());
    const found = findings.find((one) => one.rule === rule);
    ok(found !== undefined, JSON.stringify(findings));
    match(found.text, /^[A-Z].*[^.]$/);
    ok(found.right !== "" && found.record !== "");
  });
}
