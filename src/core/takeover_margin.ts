/**
 * Whether a site's configuration keeps two copies of a VM apart. Apart from
 * the arithmetic itself, which guards load without anything else.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { leastMarginMs } from "./lease.ts";

/** What is wrong with a margin with which two copies of a VM could run; null for one that is right. */
export function marginMistake(
  leaseMs: number,
  marginMs: number,
): UsherError | null {
  const least = leastMarginMs(leaseMs);
  if (marginMs >= least) return null;
  return new UsherError(
    "invalid_input",
    `Cannot keep copies of VMs apart: a takeover_margin of ${
      marginMs / 1000
    } s is too short for a node_lease of ${leaseMs / 1000} s`,
    {
      field: "takeover_margin",
      hint: `it must be ${Math.ceil(least / 1000)}s at least`,
    },
  );
}
