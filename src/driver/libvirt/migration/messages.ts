/**
 * What the two ends of a migration say to each other through the controller.
 *
 * @module
 */
import { z } from "zod";
import { VmSpec } from "../../../schema/vm.ts";
import { Ending } from "../../ending.ts";
import { MovedDisk } from "./disks.ts";

/** What the source says of its domain. */
export const Offer = z.object({
  v: z.literal(1),
  spec: VmSpec.strip(),
  accel: z.enum(["kvm", "tcg"]),
  paused: z.boolean(),
  /** What goes with it. */
  disks: z.array(MovedDisk),
  /** How it ended; null while it runs. */
  ending: Ending.nullable(),
});
export type Offer = z.infer<typeof Offer>;

/** Where the target waits; nowhere for a domain that is off. */
export const Ticket = z.object({
  v: z.literal(1),
  address: z.string(),
  port: z.number().nullable(),
  memoryPort: z.number().nullable(),
  diskPort: z.number().nullable(),
  /** Where the disks that come lie, by their place in the spec. */
  images: z.record(z.string(), z.string()),
  /** Which of the target's daemons: `/system` or `/session`. */
  daemon: z.string(),
  /** What of the domain's definition is the target's own. */
  home: z.string(),
  consoleLog: z.string(),
});
export type Ticket = z.infer<typeof Ticket>;
