/**
 * The plan of a run: everything that is done to a site, with its moment, drawn
 * from the seed before anything runs.
 *
 * A plan is data. What follows from it is the site's doing alone, so a history
 * can be shortened by leaving parts of its plan out and running it again.
 *
 * @module
 */
import type { Deed, PlanOptions } from "./deed.ts";
import { faultsOf } from "./fault_plan.ts";
import { Random } from "./random.ts";
import { requestsOf } from "./workload.ts";

/** A plan, in the order of time. */
export type Plan = readonly Deed[];

/** How long a run goes on after the last deed, with nothing wrong any more. */
export const SETTLE_MS = 20 * 60_000;

/** The plan of `options`. */
export function planOf(options: PlanOptions): Plan {
  const random = new Random(`plan ${options.seed}`);
  const requests = requestsOf(options, random.fork("requests"));
  const busy = requests.map(({ at }) => at);
  const faults = faultsOf(options, busy, random.fork("faults"));
  return [...requests, ...faults].sort((a, b) => a.at - b.at);
}
