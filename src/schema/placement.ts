/**
 * What is said of a placement: how nodes are chosen, and what refuses them.
 *
 * @module
 */
import { z } from "zod";

/** Which of the nodes that can take a VM does: the emptiest, or the fullest. */
export const Strategy = z.enum(["spread", "pack"]);
/** Which of the nodes that can take a VM does. */
export type Strategy = z.infer<typeof Strategy>;

/** What a node may be refused by. Append only: programs read these words. */
export const FilterName = z.enum([
  "on",
  "away",
  "reach",
  "draining",
  "driver",
  "ability",
  "labels",
  "processors",
  "together",
  "apart",
  "memory",
  "vcpus",
]);
/** What a node may be refused by. */
export type FilterName = z.infer<typeof FilterName>;

/** Why one node cannot take a VM, and the least that would let it. */
export const NodeRefusal = z.object({
  node: z.string(),
  /** All that is in the way, the first of them being its group's. */
  filters: z.array(FilterName),
  why: z.string(),
  /** The smallest change that lets the VM in; empty when there is none. */
  change: z.string(),
});
/** Why one node cannot take a VM, and the least that would let it. */
export type NodeRefusal = z.infer<typeof NodeRefusal>;

/** Nodes with the same obstacle, of which those are told that lack the least. */
export const RefusedBy = z.object({
  filter: FilterName,
  /** How many nodes it refuses. */
  nodes: z.int().positive(),
  nearest: z.array(NodeRefusal),
});
/** Nodes with the same obstacle, of which those are told that lack the least. */
export type RefusedBy = z.infer<typeof RefusedBy>;
