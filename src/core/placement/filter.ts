/**
 * A filter: one thing that a node can be refused for, with the words for it.
 *
 * A filter decides by `admits` and explains by `refusal`, which is asked only
 * about nodes that it does not admit; so deciding costs no words, and the two
 * stand side by side.
 *
 * @module
 */
import type { FilterName } from "../../schema/placement.ts";
import type { Ask } from "./ask.ts";
import type { Place } from "./picture.ts";

/** Why a node is refused. */
export interface Refusal {
  readonly why: string;
  /** The least that would change it; empty when nothing does. */
  readonly change: string;
}

/** One reason to refuse nodes. */
export interface Filter {
  readonly name: FilterName;
  /** Whether it looks at the node alone, and not at its VMs. */
  readonly fixed: boolean;
  admits(place: Place, ask: Ask): boolean;
  refusal(place: Place, ask: Ask): Refusal;
  /** How far a node is from being admitted, to tell the nearest. */
  distance?(place: Place, ask: Ask): number;
}
