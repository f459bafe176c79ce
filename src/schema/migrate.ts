/**
 * How a VM is moved: what its owner may ask of a migration.
 *
 * @module
 */
import { z } from "zod";

/** How a running VM is moved. */
export const MigrateOptions = z.strictObject({
  /** The longest pause at the switch that is aimed at. */
  maxDowntimeMs: z.int().min(1).max(60_000).optional(),
  /** The most bytes a second that it may send; as much as there is when absent. */
  bandwidth: z.int().min(64 * 1024).optional(),
  /** Slows a guest down that writes faster than it can be sent. */
  autoConverge: z.boolean().default(true),
  /** Lets the guest run at the target before all its memory is there. */
  postCopy: z.boolean().default(false),
});
export type MigrateOptions = z.infer<typeof MigrateOptions>;
