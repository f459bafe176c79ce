/**
 * Seeds of the size that every change must survive: 5 nodes, 40 VMs, an hour,
 * and all faults.
 *
 * @module
 */
import { FAULT_KINDS } from "../../src/schema/simulation.ts";
import { planOf } from "../../src/simulator/plan.ts";
import { runPlan } from "../../src/simulator/run.ts";

const SITE = { nodes: 5, vms: 40, hours: 1, faults: FAULT_KINDS };

/** How many seeds one test runs, so that a slow machine sees it go on. */
const SEEDS_A_TEST = 25;

/** How much of a history is shown. */
const SHOWN_LINES = 40;

const never = new AbortController().signal;

/** Registers tests for the seeds from `first` to `last`. */
export function survives(first: number, last: number): void {
  for (let from = first; from <= last; from += SEEDS_A_TEST) {
    const to = Math.min(last, from + SEEDS_A_TEST - 1);
    Deno.test(`simulator: nothing breaks with seeds ${from} to ${to}`, async () => {
      for (let seed = from; seed <= to; seed++) await survive(seed);
    });
  }
}

async function survive(seed: number): Promise<void> {
  const options = { ...SITE, seed };
  const { violation, history } = await runPlan(options, planOf(options), never);
  if (violation === null) return;
  const lines = history.trimEnd().split("\n").slice(-SHOWN_LINES);
  throw new Error(
    `Seed ${seed} breaks "${violation.invariant}": ${violation.text}\n` +
      `see it with: usher sim --seed ${seed}\n${lines.join("\n")}`,
  );
}
