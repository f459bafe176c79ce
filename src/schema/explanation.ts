/**
 * The explanation: why a VM is where it is, where it could be, and what keeps
 * it from every other node.
 *
 * @module
 */
import { z } from "zod";
import { NodeRefusal, RefusedBy, Strategy } from "./placement.ts";
import { PlacementSpec } from "./vm.ts";

/** One node, as it would be for the VM now. */
export const NodeVerdict = z.object({
  node: z.string(),
  /** The VM lies there. */
  isHere: z.boolean(),
  /** The share of its scarcer part that it has left with the VM on it. */
  left: z.number(),
  /** Why it cannot take the VM; null when it can. */
  refusal: NodeRefusal.nullable(),
});
/** One node, as it would be for the VM now. */
export type NodeVerdict = z.infer<typeof NodeVerdict>;

/** Why a VM is where it is, and where it could be. */
export const Explanation = z.object({
  vm: z.string(),
  node: z.string().nullable(),
  state: z.string(),
  /** What it asks of its node. */
  needs: z.object({
    driver: z.string().nullable(),
    vcpus: z.int(),
    memoryMiB: z.int(),
    placement: PlacementSpec,
  }),
  /** VMs that keep apart from it: the patterns by which they mean it. */
  keptApartBy: z.array(z.string()),
  strategy: Strategy,
  /** How its last placement came about, as far as operations are kept. */
  placedBy: z.object({
    operation: z.string(),
    verb: z.string(),
    at: z.string(),
  }).nullable(),
  /** Every node: those that can take it first, the best before the others. */
  nodes: z.array(NodeVerdict),
  /** Where it would go if its node were drained; null where it is on none. */
  ifDrained: z.object({
    node: z.string().nullable(),
    /** What is in the way when nothing takes it. */
    refusedBy: z.array(RefusedBy),
  }).nullable(),
});
/** Why a VM is where it is, and where it could be. */
export type Explanation = z.infer<typeof Explanation>;
