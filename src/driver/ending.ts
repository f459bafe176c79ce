/**
 * How a run of a domain ended.
 *
 * @module
 */
import { z } from "zod";

/** The state that a domain is in since its end, and why. */
export const Ending = z.object({
  state: z.enum(["stopped", "crashed"]),
  reason: z.string(),
});
export type Ending = z.infer<typeof Ending>;

/** Of a domain that has been off for as long as it is known here. */
export const NEVER_RAN: Ending = { state: "stopped", reason: "never ran" };

/** Of one whose power usher has cut. */
export const POWERED_OFF: Ending = { state: "stopped", reason: "powered off" };
