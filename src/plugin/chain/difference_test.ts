/**
 * What handlers changed, in words.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { differences } from "./difference.ts";

Deno.test("differences() names each key that is otherwise, and what to", () => {
  const before = { names: ["web"], args: { tier: "gold" }, spec: {} };
  const after = {
    names: ["web", "db"],
    args: {},
    spec: { memoryMiB: 512, boot: { kernel: "/k" } },
  };
  deepStrictEqual(differences([before], [after]), [
    'set names to ["web","db"]',
    "removed args.tier",
    "set spec.memoryMiB to 512",
    'set spec.boot to {"kernel":"/k"}',
  ]);
  deepStrictEqual(differences([before], [{ ...before }]), []);
  deepStrictEqual(differences([{}, false], [{}, true]), ["set 2 to true"]);
});

Deno.test("differences() stays short and on one line, whatever a handler writes", () => {
  const many = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`key${i}`, "x".repeat(10_000)]),
  );
  const told = differences([{}], [many]);
  strictEqual(told.length, 9);
  strictEqual(told.at(-1), "changed 42 more");
  ok(told.every((text) => text.length < 200));
  const [odd = ""] = differences([{}], [{ "a\n\u001b[2J\u202eb": "c\n" }]);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  ok(!/[\x00-\x1f\u202e]/.test(odd), odd);
});

Deno.test("differences() goes no deeper than is read by people", () => {
  const nested = (depth: number, leaf: number): unknown =>
    depth === 0 ? leaf : { a: nested(depth - 1, leaf) };
  const [told] = differences([nested(20, 1)], [nested(20, 2)]);
  ok(told?.startsWith("set a.a.a.a.a.a to {"), told);
});
