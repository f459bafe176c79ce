/**
 * The plan: what a request would do, told without doing it.
 *
 * @module
 */
import { z } from "zod";
import { Verb } from "./operation.ts";
import { Problem } from "./problem.ts";

/** One step that would be taken. */
export const PlannedStep = z.object({
  name: z.string(),
  /** The node that would take it; null where the controller does, or is not known yet. */
  node: z.string().nullable(),
  /** Its goal holds already, so it would be passed over. */
  done: z.boolean(),
  /** Once it has begun, the operation can no longer be taken back. */
  noReturn: z.boolean(),
});
/** One step that would be taken. */
export type PlannedStep = z.infer<typeof PlannedStep>;

/** What would become of one VM of a request. */
export const PlannedVm = z.object({
  vm: z.string(),
  /** There is none of this name: it would be registered. */
  isNew: z.boolean(),
  /** `nothing`: the goal holds already. `waits`: another operation has its turn. */
  does: z.enum(["steps", "nothing", "waits", "refused"]),
  /** Where it would be afterwards. */
  node: z.string().nullable(),
  /** Where it is now, when that is another node. */
  from: z.string().nullable(),
  /** When a node was chosen: the share of its scarcer part that would be left. */
  left: z.number().nullable(),
  steps: z.array(PlannedStep),
  /** The operation that it would wait for. */
  waitsFor: z.object({ id: z.string(), verb: z.string() }).nullable(),
  /** What it would be refused with. */
  problem: Problem.nullable(),
});
/** What would become of one VM of a request. */
export type PlannedVm = z.infer<typeof PlannedVm>;

/** What one handler of a plugin would make of a request. */
export const PlannedChange = z.object({
  event: z.string(),
  plugin: z.string(),
  /** In words, such as `set spec.memoryMiB to 512`; none when it changes nothing. */
  changed: z.array(z.string()).readonly(),
});
/** What one handler of a plugin would make of a request. */
export type PlannedChange = z.infer<typeof PlannedChange>;

/** What a request would do. */
export const Plan = z.object({
  verb: Verb,
  vms: z.array(PlannedVm),
  /** The handlers that it would pass, in order. */
  plugins: z.array(PlannedChange).default([]),
});
/** What a request would do. */
export type Plan = z.infer<typeof Plan>;
