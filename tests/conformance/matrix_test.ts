/**
 * The matrix says what a run found, and nothing that it did not look at.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ConformanceTest } from "./driver/harness.ts";
import { Findings, renderMatrix, ROWS, verdictOf } from "./driver/matrix.ts";
import { driverTests } from "./driver/suite.ts";

function test(promises: number[], name = "it holds"): ConformanceTest {
  return { promises, name, run: () => Promise.resolve() };
}

Deno.test("verdictOf() calls kept what held in every test that ran, and a question what did not run", () => {
  strictEqual(verdictOf(undefined), "not run");
  strictEqual(verdictOf(["kept", "kept"]), "kept (2)");
  strictEqual(verdictOf(["kept", { cannot: "why" }]), "kept (1 of 2)");
  strictEqual(verdictOf([{ cannot: "why" }]), "not offered");
  strictEqual(verdictOf(["kept", "failed"]), "FAILED 1 of 2");
});

Deno.test("renderMatrix() shows a column a driver, and why something is not offered", () => {
  const findings = new Findings();
  findings.note(test([1, 2]), "kept");
  findings.note(test([2]), "failed");
  findings.note(test([12]), { cannot: "nowhere to go" });
  findings.note(test([], "console: it echoes"), "kept");
  const column = findings.column("sim", "1", "2026-11-26T00:00:00.000Z");
  const text = renderMatrix([column, { ...column, driver: "xen", rows: {} }]);
  match(text, /^ +promise +sim +xen$/m);
  match(text, /^1 +verbs are idempotent +kept \(1\) +not run$/m);
  match(text, /^2 +list is the truth +FAILED 1 of 2 +not run$/m);
  match(text, /^console +the serial line +kept \(1\) +not run$/m);
  match(text, /^ {2}not offered in 12: nowhere to go$/m);
});

Deno.test("every test of the suite stands in a row of the matrix, and every row has one", () => {
  const findings = new Findings();
  for (const it of driverTests) findings.note(it, "kept");
  const { rows } = findings.column("all", "", "");
  deepStrictEqual(Object.keys(rows).toSorted(), Object.keys(ROWS).toSorted());
  const inRows = Object.values(rows).flat().length;
  ok(inRows >= driverTests.length);
});
