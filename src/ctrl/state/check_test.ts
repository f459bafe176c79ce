/**
 * The check of a stored state: a sound one has nothing wrong with it, and each
 * damage is found by its rule.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { DAMAGES } from "../../../tests/support/damages.ts";
import { soundState } from "../../../tests/support/stored.ts";
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

Deno.test("checkEntries() takes what a plugin asked for in an operation as its part, also after its end", () => {
  const records = soundState();
  const { id, request } = find(records, ({ state }) => state === "running");
  const { id: parent } = find(records, ({ state }) => state === "succeeded");
  records.edit(["operation", id], { parent });
  ok(checkEntries(records.entries()).findings.length > 0);
  records.edit(["request", request], {
    filed: {
      plugin: "p",
      event: "start",
      operation: parent,
      cause: null,
      depth: 1,
    },
  });
  deepStrictEqual(checkEntries(records.entries()).findings, []);
});

Deno.test("checkEntries() knows what is kept for plugins, and each under its own name", () => {
  const records = soundState();
  const value = { v: 1, plugin: "p", key: "a/b", value: { any: [1] } };
  records.set(["plugin-value", "p", "a/b"], value)
    .set(["plugin-clock", "p/periodic/60000"], {
      v: 1,
      id: "p/periodic/60000",
      due: "2026-01-01T00:00:00.000Z",
      ended: true,
    });
  deepStrictEqual(checkEntries(records.entries()).findings, []);
  records.set(["plugin-value", "q", "a/b"], value);
  deepStrictEqual(
    checkEntries(records.entries()).findings.map(({ rule }) => rule),
    ["record-key"],
  );
});

type Found = { id: string; request: string; state: string };

/** The operation of which `is` is true. */
function find(
  records: ReturnType<typeof soundState>,
  is: (operation: Found) => boolean,
): Found {
  const all = records.entries().filter(({ key }) => key[0] === "operation");
  const found = all.map(({ value }) => value as Found).find(is);
  ok(found !== undefined);
  return found;
}
