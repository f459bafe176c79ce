/**
 * A broken invariant.
 *
 * @module
 */

/** The invariants, by the name that a report gives them; docs/simulator.md explains each. */
export type Invariant =
  | "two running"
  | "no cause"
  | "capacity"
  | "state"
  | "rebuilt"
  | "ends"
  | "truth"
  | "converges"
  | "rests"
  | "told";

/** One that does not hold, and how that shows. */
export interface Violation {
  readonly invariant: Invariant;
  readonly text: string;
}
