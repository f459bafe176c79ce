/**
 * What is said of a VM that no node can take: what is in the way, and what
 * would be the least to change.
 *
 * A site of a thousand nodes is not told node by node: nodes are grouped by
 * what is in the way first, and of each group those are told that lack least.
 *
 * @module
 */
import type { NodeRefusal, RefusedBy } from "../../schema/placement.ts";
import type { Ask } from "./ask.ts";
import type { Filter, Refusal } from "./filter.ts";
import { filtersFor } from "./filters.ts";
import type { Place } from "./picture.ts";

/** No node can take the VM. */
export interface Refused {
  readonly type: "refused";
  /** The only node that was asked, when the wish names one. */
  readonly on: string | undefined;
  /** How many nodes were asked. */
  readonly nodes: number;
  /** What they said, the most frequent obstacle first. */
  readonly refusedBy: readonly RefusedBy[];
}

/** A site of so many nodes is told node by node. */
const FEW_NODES = 8;
/** Of each group of a larger one so many are told. */
const NEAREST = 3;

/** Why each node refuses what `ask` asks for. Nodes that admit it are left out. */
export function explainRefusal(ask: Ask): Refused {
  const filters = filtersFor(ask);
  const { on } = ask.wish;
  const places = ask.picture.places().filter(({ name }) =>
    on === undefined ? !isLeft(name, ask) : on === name
  );
  const groups = new Map<Filter, Place[]>();
  for (const place of places) {
    const first = filters.find((it) => !it.admits(place, ask));
    if (first === undefined) continue;
    const group = groups.get(first);
    if (group === undefined) groups.set(first, [place]);
    else group.push(place);
  }
  const count = places.length <= FEW_NODES ? FEW_NODES : NEAREST;
  const refusedBy = [...groups].map(([filter, group]): RefusedBy => ({
    filter: filter.name,
    nodes: group.length,
    nearest: nearestOf(filter, group, ask, count).map((place) =>
      told(place, obstacles(place, ask), ask)
    ),
  }));
  refusedBy.sort((a, b) => b.nodes - a.nodes);
  return { type: "refused", on, nodes: places.length, refusedBy };
}

/** The node that it is on need not be told that it leaves. */
function isLeft(node: string, { own, wish }: Ask): boolean {
  return own?.nodes.includes(node) === true &&
    wish.exclude?.includes(node) === true;
}

/** What is in the way of a VM on one node; null when nothing is. */
export function refusalOf(place: Place, ask: Ask): NodeRefusal | null {
  const filters = obstacles(place, ask);
  return filters.length === 0 ? null : told(place, filters, ask);
}

function obstacles(place: Place, ask: Ask): Filter[] {
  return filtersFor(ask).filter((it) => !it.admits(place, ask));
}

/** Those of a group that fewest filters refuse, and of these those that lack least. */
function nearestOf(
  filter: Filter,
  group: readonly Place[],
  ask: Ask,
  most: number,
): Place[] {
  const filters = filtersFor(ask);
  const near: { place: Place; count: number; distance: number }[] = [];
  for (const place of group) {
    const distance = filter.distance?.(place, ask) ?? 0;
    // Each has one obstacle at least, so some need no count.
    const last = near.length < most ? undefined : near.at(-1);
    if (last !== undefined && !isNearer({ count: 1, distance }, last)) continue;
    let count = 0;
    for (const it of filters) if (!it.admits(place, ask)) count++;
    // The group is in the order of names, which equal ones keep.
    let at = near.length;
    while (at > 0 && isNearer({ count, distance }, near[at - 1])) at--;
    if (at < most) near.splice(at, 0, { place, count, distance });
    if (near.length > most) near.pop();
  }
  return near.map(({ place }) => place);
}

interface Nearness {
  readonly count: number;
  readonly distance: number;
}

function isNearer(a: Nearness, b: Nearness | undefined): boolean {
  return b === undefined || a.count < b.count ||
    (a.count === b.count && a.distance < b.distance);
}

function told(
  place: Place,
  filters: readonly Filter[],
  ask: Ask,
): NodeRefusal {
  const refusals: Refusal[] = filters.map((it) => it.refusal(place, ask));
  const changes = refusals.map(({ change }) => change);
  return {
    node: place.name,
    filters: filters.map(({ name }) => name),
    why: refusals.map(({ why }) => why).join("; "),
    // One obstacle that stays makes every other change useless.
    change: changes.includes("") ? "" : changes.join("; and "),
  };
}
