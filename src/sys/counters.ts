/**
 * Counters of what something uses: they only grow while it lives, and rates
 * come of them elsewhere. The same for a machine and for one domain, so that
 * both become loads in one way.
 *
 * @module
 */

/** What was used so far, and the memory in use now; null where unknown. */
export interface Counters {
  readonly cpuSeconds: number | null;
  readonly memoryMiB: number | null;
  readonly diskReadBytes: number | null;
  readonly diskWriteBytes: number | null;
  readonly netRxBytes: number | null;
  readonly netTxBytes: number | null;
}
