/**
 * All filters, and which of them are asked of a wish.
 *
 * The order is that of how hard the obstacle is to move: a node's first one is
 * the group that it is told in.
 *
 * @module
 */
import type { Ask } from "./ask.ts";
import type { Filter } from "./filter.ts";
import { MACHINE_FILTERS } from "./machine.ts";
import { NEIGHBOUR_FILTERS } from "./neighbour_filters.ts";
import type { Place } from "./picture.ts";
import { REACH_FILTERS } from "./reach.ts";
import { ROOM_FILTERS } from "./room.ts";

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
