/**
 * What may go wrong in a simulation, as its command names it.
 *
 * @module
 */

/** Kinds of faults; docs/simulator.md says what each does. */
export const FAULT_KINDS = [
  "partition",
  "crash",
  "slow",
  "duplicate",
  "reorder",
  "disk-full",
] as const;
/** A kind of fault. */
export type FaultKind = typeof FAULT_KINDS[number];
