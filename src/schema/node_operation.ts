/**
 * The node operation: durable work for a whole node, made of operations on its
 * VMs.
 *
 * Only the controller's drains write it. Which operations are its own they say
 * themselves (`parent`), so the record stays small however many there are; its
 * counts are made anew from them after a restart.
 *
 * @module
 */
import { z } from "zod";
import { MigrateOptions } from "./migrate.ts";
import { NodeName, Uid } from "./name.ts";
import { OperationState, Outcome, TrailEntry } from "./operation.ts";
import { Problem } from "./problem.ts";

/** The most VMs that may leave a node at the same time. */
export const MAX_PARALLEL = 64;

const Parallel = z.int().min(1).max(MAX_PARALLEL);

/** A node operation as it is stored. */
export const NodeOperation = z.object({
  v: z.literal(1),
  id: Uid,
  verb: z.enum(["drain"]),
  node: NodeName,
  /** Who asked. */
  user: z.string(),
  state: OperationState,
  options: z.object({
    /** So many VMs leave at the same time. */
    parallel: Parallel,
    /** The node to move to; placement chooses for each VM when absent. */
    to: NodeName.optional(),
    migrate: MigrateOptions.strip(),
  }),
  /** VMs that lay there or came until now, those that left, and those that could not. */
  total: z.int().nonnegative(),
  moved: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  problem: Problem.nullable(),
  trail: z.array(TrailEntry),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
  revision: z.int().nonnegative(),
});
/** A node operation as it is stored. */
export type NodeOperation = z.infer<typeof NodeOperation>;

/** A node operation with what became of each VM so far. */
export const NodeOperationView = NodeOperation.extend({
  /** Of the VMs that were tried, in the order in which they were. */
  outcomes: z.array(Outcome),
});
/** A node operation with what became of each VM so far. */
export type NodeOperationView = z.infer<typeof NodeOperationView>;

/** How a node is to be drained; what is absent takes the site's default. */
export const DrainRequest = z.strictObject({
  parallel: Parallel.optional(),
  /** The node to move to; placement chooses for each VM when absent. */
  to: NodeName.optional(),
  ...MigrateOptions.shape,
});
/** How a node is to be drained. */
export type DrainRequest = z.infer<typeof DrainRequest>;

/** Where a drain would move one VM, or why it could not. */
export const PlannedMove = z.object({
  vm: z.string(),
  /** Whether the guest runs on meanwhile. */
  live: z.boolean(),
  to: NodeName.nullable(),
  problem: Problem.nullable(),
});
/** Where a drain would move one VM, or why it could not. */
export type PlannedMove = z.infer<typeof PlannedMove>;

/** What a drain would do now; nothing is done. */
export const DrainPlan = z.object({
  node: NodeName,
  moves: z.array(PlannedMove),
});
/** What a drain would do now. */
export type DrainPlan = z.infer<typeof DrainPlan>;

/** What came of undraining a node. */
export const UndrainAnswer = z.object({
  node: NodeName,
  /** False when it took VMs already. */
  changed: z.boolean(),
  /** The drain that was under way and stops; null when none was. */
  drain: Uid.nullable(),
});
/** What came of undraining a node. */
export type UndrainAnswer = z.infer<typeof UndrainAnswer>;
