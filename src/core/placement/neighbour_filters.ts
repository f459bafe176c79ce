/**
 * Filters on the VMs that lie on a node already, on or off.
 *
 * Keeping apart works both ways: who lies there and wants to be apart from the
 * newcomer refuses it, too. Being together needs one VM of each pattern.
 *
 * Whoever reads why a VM goes nowhere sees that VM's cluster, and perhaps no
 * other one of its owner. So VMs of other clusters are counted, and never named.
 *
 * @module
 */
import { DEFAULT_CLUSTER, splitVmName } from "../../schema/name.ts";
import type { Ask } from "./ask.ts";
import type { Filter, Refusal } from "./filter.ts";
import type { Resident } from "./neighbours.ts";
import { nameTest } from "./pattern_index.ts";
import type { Presence } from "./presence.ts";
import type { Place } from "./picture.ts";

const apart: Filter = {
  name: "apart",
  fixed: false,
  admits: ({ name }, { apart, repelled }) =>
    !apart.some((it) => it.has(name)) && !repelled.some((it) => it.has(name)),
  refusal: (place, ask) => apartRefusal(place, ask),
};

function apartRefusal({ name }: Place, ask: Ask): Refusal {
  const met = ask.apart.filter((it) => it.has(name));
  const meets = ask.repelled.filter((it) => it.has(name));
  const there = [
    ...met.flatMap(({ pattern }) => matchers(ask, pattern, name)),
    ...meets.flatMap(({ pattern }) => repellers(ask, pattern, name)),
  ];
  const all = [...new Set(there)];
  const why = [
    ...met.map(({ pattern }) => `must be apart from "${pattern}"`),
    ...meets.filter((it) => !met.some(({ pattern }) => pattern === it.pattern))
      .map(({ pattern }) => `VMs there keep apart from "${pattern}"`),
  ].join(", ");
  const told = toldOf(all, ask);
  return {
    why: `${why}: ${told} ${all.length > 1 ? "are" : "is"} there`,
    change: `move ${told} away`,
  };
}

const together: Filter = {
  name: "together",
  fixed: false,
  admits: ({ name }, { together }) => together.every((it) => it.has(name)),
  refusal: (place, ask) => togetherRefusal(place, ask),
};

function togetherRefusal({ name }: Place, ask: Ask): Refusal {
  const missing = ask.together.filter((it) => !it.has(name));
  const why = missing.map((it) =>
    `must be together with "${it.pattern}", ${whereabouts(it, ask)}`
  );
  const changes = missing.map(({ pattern, any }) =>
    any
      ? `move "${pattern}" here`
      : `start "${pattern}" in the same request, or before`
  );
  return { why: why.join(", "), change: changes.join(", ") };
}

/** Where those are that a VM must be together with. */
function whereabouts({ pattern, any }: Presence, ask: Ask): string {
  if (!any) return "which lies on no node";
  const told = toldOf(
    matchers(ask, pattern),
    ask,
    ({ nodes }) => ` on ${nodes.join(" and ")}`,
  );
  return `which is elsewhere: ${told}`;
}

function matchers(ask: Ask, pattern: string, node?: string): Resident[] {
  const test = nameTest(pattern);
  return others(ask, node, (it) => test(it.name));
}

function repellers(ask: Ask, pattern: string, node: string): Resident[] {
  return others(ask, node, (it) => it.apartFrom.includes(pattern));
}

function others(
  { wish, picture }: Ask,
  node: string | undefined,
  is: (resident: Resident) => boolean,
): Resident[] {
  const found = [...picture.neighbours.of(wish.name)].filter((it) =>
    it.uid !== wish.uid && is(it) &&
    (node === undefined || it.nodes.includes(node))
  );
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Names that are said one by one. */
const MAX_NAMES = 3;

function toldOf(
  all: readonly Resident[],
  ask: Ask,
  where: (resident: Resident) => string = () => "",
): string {
  const near = all.filter((it) => isNear(it, ask))
    .map((it) => `${nameAmong(it.name)}${where(it)}`).sort();
  const more = near.length - MAX_NAMES;
  const parts = near.length === 0 ? [] : [near.slice(0, MAX_NAMES).join(", ")];
  if (more > 0) parts.push(`${more} more`);
  const far = all.length - near.length;
  if (far === 1) parts.push("a VM of another cluster");
  else if (far > 1) parts.push(`${far} VMs of other clusters`);
  return parts.join(" and ");
}

/** Whether a VM is of the cluster of the one that is asked for. */
export function isNear({ name }: Resident, { wish }: Ask): boolean {
  return clusterOf(name) === clusterOf(wish.name);
}

function clusterOf(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

/** How a VM is called among those of its owner. */
export function nameAmong(name: string): string {
  const { vm, cluster } = splitVmName(name);
  return cluster === DEFAULT_CLUSTER ? vm : `${vm}.${cluster}`;
}

/** What must hold of the VMs on a node. */
export const NEIGHBOUR_FILTERS: readonly Filter[] = [together, apart];
