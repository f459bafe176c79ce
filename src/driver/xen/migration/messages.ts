/**
 * What the two ends of a migration say to each other through the controller.
 *
 * @module
 */
import { z } from "zod";
import { UsherError } from "../../../error/mod.ts";
import type { PeerMessage } from "../../../schema/operation.ts";
import { VmSpec } from "../../../schema/vm.ts";
import { Ending } from "../ending.ts";

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

/** Reads what the other end said. Throws `invalid_input` for what this version does not understand. */
export function readMessage<T>(
  schema: { safeParse(value: unknown): { success: boolean; data?: T } },
  message: PeerMessage | null,
  name: string,
): T {
  const parsed = schema.safeParse(message);
  if (parsed.success && parsed.data !== undefined) return parsed.data;
  throw new UsherError(
    "invalid_input",
    `Cannot move VM "${name}": its other node said nothing that this one understands`,
    { hint: "Both nodes need the same version of usher." },
  );
}
