/**
 * Scores: which of the nodes that can take a VM should.
 *
 * Both look at what the node would have left of what it then has least of,
 * memory or vcpus, as a share: `spread` wants the most, `pack` the least.
 * Equal nodes are taken in the order of their names.
 *
 * @module
 */
import type { Strategy } from "../../schema/placement.ts";
import { type Ask, freeCpus, freeMiB } from "./ask.ts";
import type { Place } from "./picture.ts";

/** A node's score for an ask; the highest is taken. */
export type Score = (place: Place, ask: Ask) => number;

/** The share of its scarcer part that a node has left with the VM on it. */
export function shareLeft(place: Place, ask: Ask): number {
  const memory = (freeMiB(place, ask) - ask.wish.memoryMiB) / place.roomMiB;
  const cpus = (freeCpus(place, ask) - ask.wish.vcpus) / place.roomCpus;
  return Math.min(memory, cpus);
}

/** The score of each strategy. */
export const SCORES: Readonly<Record<Strategy, Score>> = {
  spread: shareLeft,
  pack: (place, ask) => -shareLeft(place, ask),
};
