/**
 * What is kept of a migration at either end besides what every hypervisor needs.
 *
 * @module
 */
import { z } from "zod";
import { MoveRecord } from "../../carried/record.ts";

/** A migration as one of its ends remembers it. */
export const LibvirtMove = MoveRecord.extend({
  /** Whether the guest was paused when it began. */
  paused: z.boolean(),
  /** Images that the target has made, by the disk's place in the spec. */
  made: z.record(z.string(), z.string()).default({}),
});
export type LibvirtMove = z.infer<typeof LibvirtMove>;
