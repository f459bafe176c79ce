/**
 * The change stream: a snapshot, then every change with its revision.
 *
 * Revisions only grow, also over restarts of the controller. A watcher that
 * reconnects gives the last one it saw; when the controller no longer holds
 * what came after it, it says `reset` and begins with a snapshot again.
 *
 * @module
 */
import { z } from "zod";
import { ClusterView } from "./cluster.ts";
import { Node, NodeUsage } from "./node.ts";
import { NodeOperation } from "./node_operation.ts";
import { Operation } from "./operation.ts";
import { Vm, VmUsage } from "./vm.ts";

/** What can be watched. */
export const ChangeKind = z.enum([
  "vm",
  "node",
  "operation",
  "node-operation",
  "cluster",
]);
export type ChangeKind = z.infer<typeof ChangeKind>;

/** A VM with what it uses, as reads and the stream give it. */
export const VmView = Vm.extend({
  usage: VmUsage.nullable(),
  /** The operation that holds it. */
  holder: z.string().nullable(),
  /** Its name with the site's `name_suffix`; absent where there is none. */
  dns: z.string().optional(),
});
export type VmView = z.infer<typeof VmView>;

/** A node with what it uses and carries. */
export const NodeView = Node.extend({
  usage: NodeUsage.nullable(),
  vms: z.int().nonnegative(),
  /** Memory and processors promised to its VMs. */
  allocatedMiB: z.int().nonnegative(),
  allocatedCpus: z.int().nonnegative(),
  /** By how much its clock is ahead of the controller's; null while that is not known. */
  clockAheadMs: z.number().nullable().default(null),
  /** When the certificate ends that other nodes know it by; null while it has none, or that is not known. */
  certificateEndsAt: z.string().nullable().default(null),
});
export type NodeView = z.infer<typeof NodeView>;

const value = z.union([
  VmView,
  NodeView,
  Operation,
  NodeOperation,
  ClusterView,
]);

/** A line of the stream. */
export const WatchFrame = z.discriminatedUnion("type", [
  /** First, at once; `reset` when `since` could not be honoured. */
  z.object({ type: z.literal("hello"), revision: z.int(), reset: z.boolean() }),
  z.object({ type: z.literal("snapshot"), kind: ChangeKind, value }),
  /** The snapshot is complete as of `revision`. */
  z.object({ type: z.literal("synced"), revision: z.int() }),
  z.object({
    type: z.literal("put"),
    kind: ChangeKind,
    revision: z.int(),
    /** What happened, for people: "running", "start succeeded". */
    note: z.string(),
    at: z.string(),
    value,
  }),
  z.object({
    type: z.literal("delete"),
    kind: ChangeKind,
    revision: z.int(),
    at: z.string(),
    id: z.string(),
    name: z.string(),
  }),
  z.object({ type: z.literal("beat"), revision: z.int() }),
  /** The stream ends; `resume` says whether coming back makes sense. */
  z.object({ type: z.literal("bye"), reason: z.string(), resume: z.boolean() }),
]);
export type WatchFrame = z.infer<typeof WatchFrame>;

/** A line of a request that is followed: progress, then the result. */
export const FollowFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("accepted"),
    request: z.string(),
    count: z.int(),
  }),
  z.object({
    type: z.literal("progress"),
    index: z.int(),
    outcome: z.unknown(),
  }),
  z.object({ type: z.literal("result"), result: z.unknown() }),
  z.object({ type: z.literal("beat") }),
  /** Before it is accepted: the handler of a plugin that it waits for. */
  z.object({
    type: z.literal("waiting"),
    plugin: z.string(),
    event: z.string(),
    waitedMs: z.number().nonnegative(),
  }),
  z.object({ type: z.literal("problem"), problem: z.unknown() }),
]);
export type FollowFrame = z.infer<typeof FollowFrame>;
