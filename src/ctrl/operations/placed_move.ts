/**
 * A move of an operation together with what its placement writes, and what
 * such a placement decides on.
 *
 * @module
 */
import type { Move } from "../../core/advance.ts";
import type { Records, Write } from "../records/records.ts";

/** A move, and what else must be written with it. */
export type PlacedMove = Move & { readonly writes: readonly Write[] };

/** What a placement decides on. */
export interface Placing {
  readonly records: Records;
  /** Now, ISO 8601. */
  readonly at: string;
  /** Whether what is known of the VM may be wrong. */
  readonly uncertain?: boolean;
}
