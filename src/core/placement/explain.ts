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
import { type Filter, filtersFor, type Refusal } from "./filter.ts";
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

interface Obstacles {
  readonly place: Place;
  readonly filters: readonly Filter[];
}

/** Why each node refuses what `ask` asks for. Nodes that admit it are left out. */
export function explainRefusal(ask: Ask): Refused {
  const filters = filtersFor(ask);
  const { on } = ask.wish;
  const places = ask.picture.places().filter(({ name }) =>
    on === undefined ? !isLeft(name, ask) : on === name
  );
  const groups = new Map<Filter, Obstacles[]>();
  for (const place of places) {
    const obstacles = filters.filter((it) => !it.admits(place, ask));
    const [first] = obstacles;
    if (first === undefined) continue;
    const group = groups.get(first);
    if (group === undefined) groups.set(first, [{ place, filters: obstacles }]);
    else group.push({ place, filters: obstacles });
  }
  const isFew = places.length <= FEW_NODES;
  const refusedBy = [...groups].map(([{ name }, group]): RefusedBy => ({
    filter: name,
    nodes: group.length,
    nearest: nearestOf(group, ask, isFew ? FEW_NODES : NEAREST),
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
  const filters = filtersFor(ask).filter((it) => !it.admits(place, ask));
  return filters.length === 0 ? null : told({ place, filters }, ask);
}

/** Those that fewest filters refuse, and of these those that lack least. */
function nearestOf(
  group: readonly Obstacles[],
  ask: Ask,
  count: number,
): NodeRefusal[] {
  const least = Math.min(...group.map(({ filters }) => filters.length));
  const near = group.length <= count
    ? group
    : group.filter(({ filters }) => filters.length === least);
  return near.map((it) => ({ it, distance: distanceOf(it, ask) }))
    .sort((a, b) =>
      a.it.filters.length - b.it.filters.length || a.distance - b.distance ||
      a.it.place.order - b.it.place.order
    ).slice(0, count).map(({ it }) => told(it, ask));
}

function distanceOf({ place, filters }: Obstacles, ask: Ask): number {
  return filters[0]?.distance?.(place, ask) ?? 0;
}

function told({ place, filters }: Obstacles, ask: Ask): NodeRefusal {
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
