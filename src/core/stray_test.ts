/**
 * What becomes of older copies, cell by cell.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { VmState } from "../schema/vm.ts";
import { type StrayVerdict, strayVerdict } from "./stray.ts";

const AT = "2026-01-01T00:00:00.000Z";

function verdictOf(
  state: VmState,
  {
    generation = 1,
    incarnation = "old" as string | null,
    observedGeneration = 2,
    isHeld = false,
  } = {},
): StrayVerdict {
  const status = {
    state,
    reason: "",
    incarnation: "new",
    since: AT,
    observedGeneration,
  };
  const stray = { generation, incarnation };
  return strayVerdict({ generation: 2, status }, stray, isHeld);
}

Deno.test("strayVerdict() ends an older copy once a newer was seen, whatever became of that", () => {
  for (const state of VmState.options) {
    strictEqual(verdictOf(state), "end", state);
    strictEqual(verdictOf(state, { isHeld: true }), "wait", state);
    strictEqual(verdictOf(state, { observedGeneration: 1 }), "wait", state);
  }
});

Deno.test("strayVerdict() leaves a copy that is not older, and waits for one that is the record's own run", () => {
  strictEqual(verdictOf("running", { generation: 2 }), "leave");
  strictEqual(verdictOf("running", { generation: 3 }), "leave");
  strictEqual(verdictOf("running", { incarnation: "new" }), "wait");
});
