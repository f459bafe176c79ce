/**
 * The ask: a wish made ready to be put to many nodes.
 *
 * What must be looked up once, the neighbours and what the VM takes itself
 * where it lies, is looked up here, so that a filter only compares.
 *
 * @module
 */
import type { FilterName } from "../../schema/placement.ts";
import type { Resident } from "./neighbours.ts";
import { nameTest } from "./pattern_index.ts";
import type { Presence } from "./presence.ts";
import type { Picture, Place } from "./picture.ts";
import type { Wish } from "./wish.ts";

/** A wish, ready to be put to nodes. */
export interface Ask {
  readonly wish: Wish;
  readonly picture: Picture;
  /** The VM where it lies now: what it takes there does not stand in its own way. */
  readonly own: Resident | undefined;
  /** VMs that it must not meet, and VMs that must not meet it. */
  readonly apart: readonly Presence[];
  readonly repelled: readonly Presence[];
  /** VMs of each of which one must be there. */
  readonly together: readonly Presence[];
  /**
   * VMs that must be together with this one, which leaves a node that all must
   * leave: where one of them went before, it follows if it can.
   */
  readonly followed: readonly Presence[];
  readonly labels: readonly (readonly [key: string, value: string])[];
}

const NONE: readonly Presence[] = [];

/** Makes `wish` ready to be put to the nodes of `picture` as it is now. */
export function askFor(picture: Picture, wish: Wish): Ask {
  const own = picture.resident(wish.uid);
  const { neighbours } = picture;
  const { apartFrom, togetherWith, nodeLabels } = wish.placement;
  const find = (patterns: readonly string[], filter: FilterName) =>
    patterns.length === 0 || isWaived(wish, filter)
      ? NONE
      : patterns.map((it) => neighbours.matching(wish.name, it, own));
  // Who is on a node that all must leave comes after: nobody waits for another.
  const left = (wish.exclude ?? []).filter((name) =>
    wish.allLeave === true || mustLeave(picture, name)
  );
  return {
    wish,
    picture,
    own,
    apart: find(apartFrom, "apart"),
    repelled: isWaived(wish, "apart")
      ? NONE
      : neighbours.repelling(wish.name, own),
    // The first of those that a pattern of their own joins has nobody to join.
    together: find(togetherWith, "together").filter((it) =>
      !it.within(left) && (it.any || !nameTest(it.pattern)(wish.name))
    ),
    followed: left.length === 0 ? NONE : neighbours.attracting(wish.name, own),
    labels: isWaived(wish, "labels") ? [] : Object.entries(nodeLabels),
  };
}

function mustLeave(picture: Picture, name: string): boolean {
  const node = picture.place(name)?.node;
  return node === undefined || node.draining || node.state === "lost" ||
    node.state === "dead";
}

/** Whether `filter` is not asked this time. */
export function isWaived({ waived }: Wish, filter: FilterName): boolean {
  return waived?.includes(filter) === true;
}

/** Memory that a node has left for this VM; below zero when it promised too much. */
export function freeMiB(place: Place, { own }: Ask): number {
  const left = place.roomMiB - place.taken.memoryMiB;
  return isOnAt(own, place) ? left + own.memoryMiB : left;
}

/** Vcpus that a node has left for this VM; below zero when it promised too much. */
export function freeCpus(place: Place, { own }: Ask): number {
  const left = place.roomCpus - place.taken.cpus;
  return isOnAt(own, place) ? left + own.vcpus : left;
}

function isOnAt(
  own: Resident | undefined,
  { name }: Place,
): own is Resident {
  return own !== undefined && own.on && own.nodes.includes(name);
}
