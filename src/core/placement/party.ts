/**
 * A party: VMs that must all be on one node, which takes the whole of it or
 * nothing.
 *
 * A node that has room for all is tried member by member, so that what they
 * take of each other and of the node is seen by the same filters as ever.
 *
 * @module
 */
import type { NodeRefusal, RefusedBy } from "../../schema/placement.ts";
import { askFor } from "./ask.ts";
import { refusalOf, type Refused } from "./explain.ts";
import type { Picture, Place } from "./picture.ts";
import type { Decision, Placer } from "./placer.ts";
import type { Wish } from "./wish.ts";

/** Decides where a party goes; one answer for each member, in their order. */
export function decideParty(
  picture: Picture,
  placer: Placer,
  members: readonly Wish[],
): Decision[] {
  const whole = wholeOf(members);
  const refusals: NodeRefusal[] = [];
  for (const { place, score } of placer.ranked(whole)) {
    const refusal = admitAll(picture, placer, members, place);
    if (refusal === null) {
      return members.map(() => ({ type: "placed", node: place.name, score }));
    }
    refusals.push(refusal);
  }
  const refused = refusalOfParty(placer.refusal(whole), refusals, members);
  return members.map(() => refused);
}

/** What the whole party needs of its node; what members differ in is asked of each. */
function wholeOf(members: readonly Wish[]): Wish {
  const [first] = members as [Wish];
  return {
    ...first,
    memoryMiB: members.reduce((sum, it) => sum + it.memoryMiB, 0),
    vcpus: members.reduce((sum, it) => sum + it.vcpus, 0),
    waived: [...first.waived ?? [], "apart", "together", "processors"],
  };
}

/** Counts all members on a node; when it refuses one, none stays, and it says why. */
function admitAll(
  picture: Picture,
  placer: Placer,
  members: readonly Wish[],
  place: Place,
): NodeRefusal | null {
  const taken: Wish[] = [];
  const refuses = (wish: Wish, waived: Wish["waived"]) => {
    const ask = askFor(picture, { ...wish, waived });
    const refusal = refusalOf(place, ask);
    return refusal && { ...refusal, why: `${wish.name}: ${refusal.why}` };
  };
  let refusal: NodeRefusal | null = null;
  for (const wish of members) {
    refusal = refuses(wish, [...wish.waived ?? [], "together"]);
    if (refusal !== null) break;
    placer.take(wish, place);
    taken.push(wish);
  }
  for (const wish of refusal === null ? members : []) {
    refusal ??= refuses(wish, wish.waived);
  }
  if (refusal !== null) {
    for (const wish of taken) placer.untake(wish);
  }
  return refusal;
}

/** So many nodes that had room, and refused a member, are told. */
const MAX_TOLD = 3;

function refusalOfParty(
  whole: Refused,
  refusals: readonly NodeRefusal[],
  members: readonly Wish[],
): Refused {
  const say = (it: NodeRefusal): NodeRefusal => ({
    ...it,
    why: `the ${members.length} VMs that must be together: ${it.why}`,
  });
  const groups: RefusedBy[] = whole.refusedBy.map((group) => ({
    ...group,
    nearest: group.nearest.map(say),
  }));
  const [first] = refusals;
  if (first !== undefined) {
    groups.unshift({
      filter: first.filters[0] ?? "together",
      nodes: refusals.length,
      nearest: refusals.slice(0, MAX_TOLD).map(say),
    });
  }
  return { ...whole, refusedBy: groups };
}
