import { strictEqual } from "node:assert/strict";
import { Standstill } from "./standstill.ts";

Deno.test("what changes does not stand still, and what stays the same does", () => {
  const its = new Standstill();
  strictEqual(its.see(1000, { done: 0 }), 0);
  strictEqual(its.see(1500, { done: 0 }), 500);
  strictEqual(its.see(2000, { done: 1 }), 0);
  strictEqual(its.see(9000, { done: 1 }), 7000);
  strictEqual(its.see(9500, { done: 0 }), 0);
});
