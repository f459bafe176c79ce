/**
 * Filters on what a node has left: memory and vcpus, with its overcommit.
 *
 * @module
 */
import { type Ask, freeCpus, freeMiB } from "./ask.ts";
import type { Filter, Refusal } from "./filter.ts";
import type { Resident } from "./neighbours.ts";
import { isNear, nameAmong } from "./neighbour_filters.ts";
import type { Place } from "./picture.ts";

/** No VM has less; schema/vm.ts says the same. */
const LEAST_MIB = 16;

/** What of a node a VM takes a part of. */
interface Part {
  readonly unit: string;
  readonly least: number;
  wanted(ask: Ask): number;
  free(place: Place, ask: Ask): number;
  room(place: Place): number;
  of(resident: Resident): number;
}

const MEMORY: Part = {
  unit: "MiB",
  least: LEAST_MIB,
  wanted: ({ wish }) => wish.memoryMiB,
  free: freeMiB,
  room: ({ roomMiB }) => roomMiB,
  of: ({ memoryMiB }) => memoryMiB,
};

const VCPUS: Part = {
  unit: "vcpus",
  least: 1,
  wanted: ({ wish }) => wish.vcpus,
  free: freeCpus,
  room: ({ roomCpus }) => roomCpus,
  of: ({ vcpus }) => vcpus,
};

const memory: Filter = {
  name: "memory",
  fixed: false,
  admits: (place, ask) => ask.wish.memoryMiB <= freeMiB(place, ask),
  refusal: (place, ask) => roomRefusal(place, ask, MEMORY),
  distance: (place, ask) => -freeMiB(place, ask),
};

const vcpus: Filter = {
  name: "vcpus",
  fixed: false,
  admits: (place, ask) => ask.wish.vcpus <= freeCpus(place, ask),
  refusal: (place, ask) => roomRefusal(place, ask, VCPUS),
  distance: (place, ask) => -freeCpus(place, ask),
};

function roomRefusal(place: Place, ask: Ask, part: Part): Refusal {
  const { unit, least } = part;
  const free = part.free(place, ask);
  const lacks = part.wanted(ask) - free;
  const changes: string[] = [];
  if (free >= least) changes.push(`ask for ${free} ${unit} or fewer`);
  const mover = smallestThatFrees(place, ask, lacks, part);
  if (mover !== undefined) {
    changes.push(
      `move ${nameAmong(mover.name)} (${part.of(mover)} ${unit}) away`,
    );
  }
  const couldFit = part.wanted(ask) <= part.room(place);
  if (changes.length === 0 && couldFit) {
    changes.push(`free ${lacks} ${unit} there`);
  }
  return {
    why: `needs ${lacks} ${unit} more: ${Math.max(0, free)} of ${
      part.room(place)
    } ${unit} are free`,
    change: changes.join(", or "),
  };
}

/** The VM of the same cluster that makes room enough by going, the smallest of them. */
function smallestThatFrees(
  place: Place,
  ask: Ask,
  lacks: number,
  part: Part,
): Resident | undefined {
  let best: Resident | undefined;
  for (const resident of ask.picture.neighbours.of(ask.wish.name)) {
    const frees = resident.on && resident.uid !== ask.wish.uid &&
      isNear(resident, ask) &&
      resident.nodes.includes(place.name) && part.of(resident) >= lacks;
    if (!frees) continue;
    const isBetter = best === undefined || part.of(resident) < part.of(best) ||
      (part.of(resident) === part.of(best) && resident.name < best.name);
    if (isBetter) best = resident;
  }
  return best;
}

/** What a node must have left. */
export const ROOM_FILTERS: readonly Filter[] = [memory, vcpus];
