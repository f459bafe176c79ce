/**
 * Quotas: how much a user, and a cluster, may have.
 *
 * A limit that is set for one of them counts; else that of the configuration;
 * `null` is no limit. Both the user's and the cluster's hold, for everybody:
 * an administrator who needs more raises them.
 *
 * @module
 */
import { z } from "zod";
import { labelProblem } from "./name.ts";
import { MemoryMiB, SizeMiB } from "./quantity.ts";

/** What is counted; memory and disk in MiB. */
export const QuotaPart = z.enum(["vms", "vcpus", "memory", "disk"]);
export type QuotaPart = z.infer<typeof QuotaPart>;

const Count = z.int().min(0).max(10_000_000);
const AmountMiB = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Limits as they hold: null is none. */
export const QuotaLimits = z.object({
  vms: Count.nullable(),
  vcpus: Count.nullable(),
  memory: AmountMiB.nullable(),
  disk: AmountMiB.nullable(),
});
export type QuotaLimits = z.infer<typeof QuotaLimits>;

/** Limits as the configuration gives them, for all who have none of their own. */
export const QuotaConfig = z.strictObject({
  vms: Count.optional(),
  vcpus: Count.optional(),
  memory: MemoryMiB.optional(),
  disk: SizeMiB.optional(),
});
export type QuotaConfig = z.infer<typeof QuotaConfig>;

/** Whose quota it is: a user, or `cluster.user`. */
export const QuotaSubject = z.string().superRefine((text, context) => {
  const parts = text.split(".");
  const [bad] = parts.flatMap((part) => labelProblem(part) ?? []);
  if (parts.length <= 2 && bad === undefined) return;
  context.addIssue({
    code: "custom",
    message: bad ?? "must be a user, or a cluster as cluster.user",
  });
});

/** A quota as it is kept: what is absent is as the configuration has it. */
export const QuotaRecord = z.strictObject({
  v: z.literal(1),
  subject: QuotaSubject,
  limits: QuotaLimits.partial(),
  /** Who set it last, and when. */
  by: z.string(),
  at: z.string(),
});
export type QuotaRecord = z.infer<typeof QuotaRecord>;

/** A request to set limits: a number, null for none, "default" for the configuration's. */
export const SetQuotaRequest = z.strictObject({
  vms: z.union([Count.nullable(), z.literal("default")]).optional(),
  vcpus: z.union([Count.nullable(), z.literal("default")]).optional(),
  memory: z.union([AmountMiB.nullable(), z.literal("default")]).optional(),
  disk: z.union([AmountMiB.nullable(), z.literal("default")]).optional(),
  /** Also for whom nothing is known of yet: a user of a directory, a cluster to come. */
  ahead: z.boolean().optional(),
});
export type SetQuotaRequest = z.infer<typeof SetQuotaRequest>;

/** A quota with what is used of it. */
export const QuotaView = z.object({
  subject: z.string(),
  used: z.record(QuotaPart, z.int().nonnegative()),
  limits: QuotaLimits,
  /** The parts that were set for it, and are not the configuration's. */
  set: z.array(QuotaPart),
});
export type QuotaView = z.infer<typeof QuotaView>;
