/**
 * A seed decides everything that happens in a simulation.
 *
 * @module
 */
import { notStrictEqual, strictEqual } from "node:assert/strict";
import { FAULT_KINDS } from "../../src/schema/simulation.ts";
import { planOf } from "../../src/simulator/plan.ts";
import { runPlan } from "../../src/simulator/run.ts";

const never = new AbortController().signal;

function optionsOf(seed: number) {
  return { seed, nodes: 5, vms: 20, hours: 0.5, faults: FAULT_KINDS };
}

async function historyOf(seed: number): Promise<string> {
  const options = optionsOf(seed);
  return (await runPlan(options, planOf(options), never)).history;
}

Deno.test("simulator: one seed gives one history, byte for byte, and another seed another", async () => {
  const first = await historyOf(42);
  strictEqual(first === await historyOf(42), true, "the same seed differs");
  notStrictEqual(first, await historyOf(43));
  strictEqual(first.split("\n").length > 500, true, "hardly anything happened");
});
