/**
 * What the two ends of a migration say to each other, and what each of them
 * writes into its domain's handle before it acts.
 *
 * ```
 * source   disks ──mirrored──► memory ──switched──► sent
 * target   receiving ──ready──► waiting ──activate──► activating
 * ```
 *
 * A domain whose handle has no record is not on the move. The record tells a
 * later LNM, together with what QEMU says, where to go on and what to clear
 * away; and it tells what the domain's state is called meanwhile.
 *
 * @module
 */
import { z } from "zod";
import { VmSpec } from "../../../schema/vm.ts";
import { Ending } from "../../ending.ts";

/** A disk that goes with its domain, as the source has it. */
export const OfferedDisk = z.object({
  /** Its place in the spec. */
  index: z.int(),
  /** What the guest sees. */
  virtualBytes: z.number(),
  /** What it takes on the source's file system; of an overlay without its base. */
  ownBytes: z.number(),
  /** What its base takes; 0 without one. */
  baseBytes: z.number(),
  /** What the base is, by its content; null when that is not known. */
  base: z.string().nullable(),
});
export type OfferedDisk = z.infer<typeof OfferedDisk>;

/** What a processor can do, where guests get the machine's own. */
export const CpuFacts = z.object({
  vendor: z.string(),
  flags: z.array(z.string()),
});
export type CpuFacts = z.infer<typeof CpuFacts>;

/** What the source tells the target. */
export const Offer = z.object({
  /** As it was started. Null for a domain that an older LNM started. */
  spec: VmSpec.strip().nullable(),
  /** The machine that QEMU runs, with its version; null for a stopped domain. */
  machine: z.string().nullable(),
  accel: z.enum(["kvm", "tcg"]),
  /** What the guest has; null for a stopped domain, and where an older usher does not say. */
  memoryKiB: z.number().nullable().default(null),
  /** Where the guest has the machine's own processor. */
  cpu: CpuFacts.nullable(),
  paused: z.boolean(),
  /** How a stopped domain ended. */
  ending: Ending.nullable(),
  disks: z.array(OfferedDisk),
  /** Files that stay the same and must be there, with what they are. */
  fixed: z.record(z.string(), z.string().nullable()),
});
export type Offer = z.infer<typeof Offer>;

/** Where the target takes a domain in. */
export const Ticket = z.object({
  /** Tells this copy from one that was made anew for the same transfer. */
  copy: z.string().default(""),
  address: z.string(),
  /** For the memory; null when only disks move. */
  port: z.int().nullable(),
  /** For the disks; null when none moves. */
  diskPort: z.int().nullable(),
  /** What of each disk is sent: all of it, or what stands in its overlay. */
  disks: z.array(z.object({
    index: z.int(),
    sync: z.enum(["full", "top"]),
    export: z.string(),
  })),
});
export type Ticket = z.infer<typeof Ticket>;

/** A file of the target that the migration made: under a name of its own and, by a link, where the user wants it. */
export const MadeFile = z.object({ own: z.string(), path: z.string() });
export type MadeFile = z.infer<typeof MadeFile>;

/** What a handle keeps of a migration. */
export const MoveRecord = z.object({
  id: z.string(),
  peer: z.string(),
  role: z.enum(["source", "target"]),
  phase: z.enum([
    "disks",
    "memory",
    "sent",
    "receiving",
    "waiting",
    "activating",
  ]),
  /** Whether a guest runs (or is paused) meanwhile. */
  live: z.boolean(),
  paused: z.boolean(),
  postCopy: z.boolean(),
  ticket: Ticket.nullable(),
  /** The target's files in users' folders. */
  made: z.array(MadeFile),
});
export type MoveRecord = z.infer<typeof MoveRecord>;

/** Whether the domain must not run here, or does not any more. */
export function isCopy(record: MoveRecord | null): boolean {
  if (record === null) return false;
  return record.role === "target"
    ? record.phase !== "activating"
    : record.phase === "sent";
}
