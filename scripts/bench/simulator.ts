/**
 * Seeds a minute of the simulator, beside what the event loop alone would
 * allow: as many turns as the runs had events, with nothing in them.
 *
 * @module
 */
import { FAULT_KINDS } from "../../src/schema/simulation.ts";
import { planOf } from "../../src/simulator/plan.ts";
import { runPlan } from "../../src/simulator/run.ts";
import { nextTurn } from "../../src/sys/turn.ts";
import { beside, median, type Row, time } from "./row.ts";

const SEEDS = 11;
const SITE = { nodes: 5, vms: 40, hours: 1, faults: FAULT_KINDS };

/** Measures the simulator; takes about fifteen seconds on a quiet machine. */
export async function benchSimulator(): Promise<Row[]> {
  const never = new AbortController().signal;
  const [runs, turns]: [number[], number[]] = [[], []];
  let events = 0;
  for (let seed = 0; seed <= SEEDS; seed++) {
    const options = { ...SITE, seed };
    const ms = await time(async () => {
      ({ events } = await runPlan(options, planOf(options), never));
    });
    const bare = await time(async () => {
      for (let i = 0; i < events; i++) await nextTurn();
    });
    // The first one warms up.
    if (seed === 0) continue;
    runs.push(ms);
    turns.push(bare);
  }
  return [
    beside(
      {
        name: "simulated hours of 5 nodes and 40 VMs, on one thread",
        value: 60_000 / median(runs),
        unit: "1/min",
        note: `median of ${SEEDS} seeds`,
      },
      "as many empty turns of the event loop",
      60_000 / median(turns),
    ),
  ];
}
