/**
 * The operation: what a request becomes for one VM.
 *
 * Only the controller's runner writes it. `begun` is its journal: a step's
 * name is durable there before the step acts, so that a crash can tell what
 * may have happened from what cannot.
 *
 * @module
 */
import { z } from "zod";
import { Args, VmState } from "./vm.ts";
import { MigrateOptions } from "./migrate.ts";
import { NodeName, Uid, VmName } from "./name.ts";
import { Problem } from "./problem.ts";

/** What each verb does and needs. Append only: the names are stored. */
export const VERBS = {
  start: { description: "register what is new, then start", role: "user" },
  cycle: { description: "cut the power and turn it on again", role: "user" },
  migrate: { description: "move to another node", role: "user" },
  pause: { description: "freeze in memory", role: "user" },
  resume: { description: "go on after a pause", role: "user" },
  reboot: {
    description: "ask the guest to shut down, then start again",
    role: "user",
  },
  shutdown: { description: "ask the guest to turn itself off", role: "user" },
  poweroff: { description: "cut the power", role: "user" },
  register: { description: "make known without starting", role: "user" },
  unregister: { description: "forget a stopped VM", role: "user" },
  destroy: { description: "cut the power and unregister", role: "user" },
} as const;

/** What an operation does. */
export const Verb = z.enum(
  Object.keys(VERBS) as [keyof typeof VERBS, ...(keyof typeof VERBS)[]],
);
/** What an operation does. */
export type Verb = z.infer<typeof Verb>;

/** How far an operation has come. */
export const OperationState = z.enum([
  "pending",
  "running",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
]);
/** How far an operation has come. */
export type OperationState = z.infer<typeof OperationState>;

/** Why something happened: who said so, what, and when. */
export const TrailEntry = z.object({
  at: z.string(),
  source: z.string(),
  text: z.string(),
});
export type TrailEntry = z.infer<typeof TrailEntry>;

/** How far a step that sends something has come. */
export const Progress = z.object({
  /** What is being sent: `disks`, `memory`, `switch`. */
  phase: z.string(),
  doneBytes: z.number().nonnegative(),
  totalBytes: z.number().nonnegative(),
  bytesPerSecond: z.number().nonnegative(),
  /** When it should be over, in ms from now; null when that cannot be told. */
  leftMs: z.number().nonnegative().nullable(),
});
/** How far a step that sends something has come. */
export type Progress = z.infer<typeof Progress>;

/** What a driver says to its peer on another node; others only carry it. */
export const PeerMessage = z.record(z.string(), z.unknown());
/** What a driver says to its peer on another node; others only carry it. */
export type PeerMessage = z.infer<typeof PeerMessage>;

/** What a request may say about how its operations run. */
export const OperationOptions = z.object({
  /** How long a guest may take to shut down. */
  graceMs: z.int().nonnegative().optional(),
  /** Wait behind an operation that holds the VM, or answer `busy`. */
  queue: z.boolean().default(true),
  /** The node to start on. */
  on: NodeName.optional(),
  /** The node to migrate to. */
  to: NodeName.optional(),
  migrate: MigrateOptions.optional(),
  /** Nodes not to migrate to, since as many VMs as may be are on their way there. */
  avoid: z.array(NodeName).optional(),
});
export type OperationOptions = z.infer<typeof OperationOptions>;

/** An operation as it is stored and shown. */
export const Operation = z.object({
  v: z.literal(1),
  id: Uid,
  /** The request it came from, and its place there. */
  request: z.string(),
  index: z.int().nonnegative(),
  verb: Verb,
  uid: Uid,
  vm: VmName,
  /** Who asked. */
  user: z.string(),
  state: OperationState,
  /** The step it is at; null before the first and after the last. */
  step: z.string().nullable(),
  /** Steps that began: the journal. */
  begun: z.array(z.string()),
  /** Where it works; null until placed. */
  node: NodeName.nullable(),
  /** Of a migration: from which node to which; null before placement. */
  from: NodeName.nullable().default(null),
  to: NodeName.nullable().default(null),
  /** Of a migration: whether the domain was up when its target was chosen. */
  live: z.boolean().optional(),
  /** Of a migration: targets that could not take the VM in, in that order. */
  tried: z.array(NodeName).optional(),
  /** How far its step has come; readers get it, and it is never stored. */
  progress: Progress.optional(),
  /** What it is a part of: the operation of a drain, or the one in which a plugin asked for it. */
  parent: Uid.nullable().default(null),
  /** The operation it waits for; null when it does not wait. */
  waitsFor: z.string().nullable(),
  options: OperationOptions,
  args: Args,
  /** The versions of plugins that it began with, and goes on with: names to hashes. */
  plugins: z.record(z.string(), z.string()).optional(),
  /** False when the goal held already. */
  changed: z.boolean(),
  problem: Problem.nullable(),
  trail: z.array(TrailEntry),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  revision: z.int().nonnegative(),
});
/** An operation as it is stored and shown. */
export type Operation = z.infer<typeof Operation>;

/** Whether an operation can be cancelled, and why or what for. */
export const Cancellable = z.object({ can: z.boolean(), why: z.string() });
/** Whether an operation can be cancelled, and why or what for. */
export type Cancellable = z.infer<typeof Cancellable>;

/** One operation with what is known of it only now. */
export const OperationView = Operation.extend({ cancellable: Cancellable });
/** One operation with what is known of it only now. */
export type OperationView = z.infer<typeof OperationView>;

/** What came of cancelling a request, for each operation that had not ended. */
export const CancelledRequest = z.object({
  request: z.string(),
  operations: z.array(z.object({
    operation: Operation,
    /** Why it goes on; null for one that was cancelled or is about to be. */
    problem: Problem.nullable(),
  })),
  /** It waited for a plugin still, and was given up before anything was done. */
  wasWaiting: z.boolean().optional(),
});
/** What came of cancelling a request. */
export type CancelledRequest = z.infer<typeof CancelledRequest>;

/** What became of one VM of a request. */
export const Outcome = z.object({
  vm: z.string(),
  uid: z.string().nullable(),
  operation: z.string().nullable(),
  state: OperationState,
  changed: z.boolean(),
  step: z.string().nullable(),
  node: z.string().nullable(),
  /** Of a migration: where the VM goes. */
  to: z.string().optional(),
  progress: Progress.optional(),
  /** The VM's state when the operation ended. */
  vmState: VmState.nullable(),
  problem: Problem.nullable(),
});
export type Outcome = z.infer<typeof Outcome>;

/** The answer to a request: one outcome per VM, in the order asked. */
export const Result = z.object({
  request: z.string(),
  verb: Verb,
  done: z.boolean(),
  outcomes: z.array(Outcome),
});
export type Result = z.infer<typeof Result>;
