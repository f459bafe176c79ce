/**
 * How a run ended.
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
