/**
 * Clusters as they are kept and shown: who owns one, and with whom it is
 * shared.
 *
 * A share is kept with its cluster, so that whoever may see a VM is known from
 * the VM's name and one record. Plugins are told of less: `Cluster`.
 *
 * @module
 */
import { z } from "zod";
import { Cluster } from "./event_value.ts";
import { UserName } from "./name.ts";

/** The most users and groups that one cluster is shared with. */
export const MAX_SHARES = 100;

/** What a share allows: to look, or to do what the owner does with its VMs. */
export const ShareLevel = z.enum(["view", "control"]);
export type ShareLevel = z.infer<typeof ShareLevel>;

/** The name of a group as a directory writes it. */
const GroupName = z.string().min(1).max(256).regex(
  // deno-lint-ignore no-control-regex -- a name that is printed is one line of text
  /^[^\x00-\x1f\x7f]+$/,
  "must be one line without control characters",
);

/** Whom a cluster is shared with: a user, or a group of the directory. */
export const Grantee = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("user"), name: UserName }),
  z.strictObject({ kind: z.literal("group"), name: GroupName }),
]);
export type Grantee = z.infer<typeof Grantee>;

/** One share of a cluster. */
export const Share = z.strictObject({
  with: Grantee,
  level: ShareLevel,
  /** Who shared it, and when. */
  by: z.string(),
  at: z.string(),
});
export type Share = z.infer<typeof Share>;

/** A cluster as it is kept. */
export const ClusterRecord = Cluster.extend({
  shares: z.array(Share).max(MAX_SHARES).default([]),
  revision: z.int().nonnegative().default(0),
});
export type ClusterRecord = z.infer<typeof ClusterRecord>;

/** A cluster as its readers get it. */
export const ClusterView = z.object({
  name: z.string(),
  user: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  revision: z.int().nonnegative(),
  /** How many VMs it has, and how many of them are on. */
  vms: z.int().nonnegative(),
  on: z.int().nonnegative(),
  /** Those that the reader may know of: all, or the reader's own. */
  shares: z.array(Share),
});
export type ClusterView = z.infer<typeof ClusterView>;

/** A request for a new cluster. */
export const CreateClusterRequest = z.strictObject({
  /** `cluster`, or `cluster.user` for an administrator. */
  name: z.string().max(200),
});
export type CreateClusterRequest = z.infer<typeof CreateClusterRequest>;

/** A request to share a cluster; one that is shared so already gets this level. */
export const ShareRequest = z.strictObject({
  with: Grantee,
  level: ShareLevel,
});
export type ShareRequest = z.infer<typeof ShareRequest>;

/** A request to end a share. */
export const UnshareRequest = z.strictObject({ with: Grantee });
export type UnshareRequest = z.infer<typeof UnshareRequest>;

/** What became of a cluster that was made, deleted or shared. */
export const ClusterAnswer = z.object({
  cluster: ClusterView,
  /** False when it was so already. */
  changed: z.boolean(),
});
export type ClusterAnswer = z.infer<typeof ClusterAnswer>;

/** What became of a cluster that was shared. */
export const ShareAnswer = ClusterAnswer.extend({
  /** Said where nobody that the caller may know of has the name: it may be misspelt. */
  doubt: z.string().optional(),
});
export type ShareAnswer = z.infer<typeof ShareAnswer>;
