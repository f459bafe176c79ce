/**
 * What the two ends of a migration say to each other through the controller.
 *
 * @module
 */
import { z } from "zod";
import { VmSpec } from "../../../schema/vm.ts";
import { Ending } from "../../ending.ts";

/** What the source says of its domain. */
export const Offer = z.object({
  v: z.literal(1),
  spec: VmSpec.strip(),
  /** How it ended; null while it runs. */
  ending: Ending.nullable(),
});
export type Offer = z.infer<typeof Offer>;

/** Where the target waits; nowhere for a domain that is off. */
export const Ticket = z.object({
  v: z.literal(1),
  address: z.string(),
  port: z.number().nullable(),
});
export type Ticket = z.infer<typeof Ticket>;
