/**
 * Canonical JSON is JSON of the same value, and one text for equal values.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson } from "./canonical.ts";

/** The same value, the keys of every object put in the other way round. */
function turned(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(turned);
  return Object.fromEntries(
    Object.entries(value).toReversed().map(([key, one]) => [key, turned(one)]),
  );
}

Deno.test("canonicalJson() is the JSON of any value, whatever its keys and texts are made of", () => {
  const key = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "10", "9", 'a"b', "é", "\u2028"),
  );
  const values = fc.jsonValue({ stringUnit: "binary" });
  fc.assert(fc.property(fc.dictionary(key, values), (value) => {
    const text = canonicalJson(value);
    const plain = JSON.stringify(value);
    deepStrictEqual(JSON.parse(text), JSON.parse(plain));
    strictEqual(text.length, plain.length);
    strictEqual(canonicalJson(turned(value)), text);
  }));
});

Deno.test("canonicalJson() puts keys in the order of their code units, numbers among them", () => {
  strictEqual(
    canonicalJson({ b: 1, 10: 1, 9: 1, B: 1, é: 1, a: undefined }),
    '{"10":1,"9":1,"B":1,"b":1,"é":1}',
  );
});
