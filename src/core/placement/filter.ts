/**
 * Filters: what a node can be refused for, each with the words for it.
 *
 * A filter decides by `admits` and explains by `refusal`, which is asked only
 * about nodes that it does not admit; so deciding costs no words, and the two
 * stand side by side. The order is that of how hard the obstacle is to move:
 * a node's first one is the group that it is told in.
 *
 * @module
 */
import type { FilterName } from "../../schema/placement.ts";
import type { Ask } from "./ask.ts";
import { MACHINE_FILTERS } from "./machine.ts";
import { NEIGHBOUR_FILTERS } from "./neighbour_filters.ts";
import type { Place } from "./picture.ts";
import { REACH_FILTERS } from "./reach.ts";
import { ROOM_FILTERS } from "./room.ts";

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

/** All filters, in the order in which they are told. */
export const FILTERS: readonly Filter[] = [
  ...REACH_FILTERS,
  ...MACHINE_FILTERS,
  ...NEIGHBOUR_FILTERS,
  ...ROOM_FILTERS,
];

/** The filters that are asked of a wish. */
export function filtersFor({ wish }: Ask): readonly Filter[] {
  const { waived = [] } = wish;
  return waived.length === 0
    ? FILTERS
    : FILTERS.filter(({ name }) => !waived.includes(name));
}

const VARYING: readonly Filter[] = FILTERS.filter(({ fixed }) => !fixed);

/** Those of them that can change with each VM that is placed. */
export function varyingFiltersFor(ask: Ask): readonly Filter[] {
  const { waived = [] } = ask.wish;
  const isAlone = ask.together.length + ask.apart.length === 0 &&
    ask.repelled.length === 0;
  if (waived.length === 0 && !isAlone) return VARYING;
  if (waived.length === 0) return ROOM_FILTERS;
  return VARYING.filter(({ name }) => !waived.includes(name));
}

/** What two wishes must agree in to be told the same by every fixed filter. */
export function fixedKey({ wish, labels }: Ask): string {
  const { driver, vcpus, on, exclude, abilities, waived } = wish;
  return JSON.stringify([
    driver,
    vcpus,
    on,
    exclude,
    abilities,
    waived,
    labels,
  ]);
}

/** Whether a node can take the VM. */
export function admits(
  filters: readonly Filter[],
  place: Place,
  ask: Ask,
): boolean {
  for (const filter of filters) {
    if (!filter.admits(place, ask)) return false;
  }
  return true;
}
