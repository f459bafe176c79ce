/**
 * Frames of the link between controller and LNM, one JSON object a line.
 *
 * Peers may be newer, so unknown fields are dropped and unknown types are
 * ignored. Reliable frames (`act`, `abandon`, `result`, `report`) carry a
 * sequence number `seq` and are replayed after a cut; every frame may carry
 * `ack`, the last sequence number its sender has seen.
 *
 * @module
 */
import { z } from "zod";
import { Capacity, DriverReport, NodeUsage, Overcommit } from "./node.ts";
import { DomainState, VmSpec, VmUsage } from "./vm.ts";
import { MigrateOptions } from "./migrate.ts";
import { NodeName, Uid } from "./name.ts";
import { PeerMessage, Progress } from "./operation.ts";
import { Problem } from "./problem.ts";

/** The longest line a peer may send. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/** The most domains in one frame. */
export const DOMAINS_PER_FRAME = 500;

/** One domain, as its LNM reports it. */
export const DomainFrame = z.object({
  driver: z.string(),
  uid: Uid.nullable(),
  domain: z.string(),
  name: z.string(),
  state: DomainState,
  reason: z.string(),
  incarnation: z.string().nullable(),
  generation: z.int().nonnegative(),
  memoryMiB: z.number().optional(),
  vcpus: z.number().optional(),
  /** Its guard paused it when the node's lease was over. */
  held: z.boolean().optional(),
  /** What it was started with, in the answer to `inspect` alone; what cannot be read is not told. */
  spec: VmSpec.strip().optional().catch(undefined),
});
export type DomainFrame = z.infer<typeof DomainFrame>;

/** What tells a node's domains apart. */
export function domainKey({ driver, uid, domain }: DomainFrame): string {
  return uid ?? `${driver} ${domain}`;
}

const envelope = { seq: z.int().optional(), ack: z.int().optional() };

/** What an LNM is told to do with one domain. */
export const ActVerb = z.enum([
  "start",
  "stop",
  "pause",
  "resume",
  "forget",
  "inspect",
  "offer",
  "receive",
  "send",
  "activate",
  "abort",
  "release",
]);

/** What the acts of a migration are told; see `Migration` in `driver.ts`. */
export const Transfer = z.object({
  /** Tells one migration from the next: the operation's id. */
  id: z.string(),
  /** The other node. */
  peer: NodeName,
  /** Whether the guest runs meanwhile; else its disks alone are sent. */
  live: z.boolean(),
  options: MigrateOptions.strip(),
  /** What the source said to `offer`; for `receive`. */
  offer: PeerMessage.nullable().default(null),
  /** What the target said to `receive`; for `send`. */
  ticket: PeerMessage.nullable().default(null),
});
export type Transfer = z.infer<typeof Transfer>;
export type ActVerb = z.infer<typeof ActVerb>;

/** From LNM to controller. */
export const UpFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    ...envelope,
    name: NodeName,
    secret: z.string(),
    version: z.string(),
    protocol: z.int(),
    bootId: z.string(),
    capacity: Capacity,
    drivers: z.array(DriverReport),
    labels: z.record(z.string(), z.string()).default({}),
    overcommit: Overcommit.optional(),
    /** How many domains follow in `domains` frames. */
    domainCount: z.int().nonnegative(),
    /** Drivers that cannot tell what they run: what is not listed of theirs has not ended. */
    unlisted: z.array(z.string()).default([]),
    /** The session to go on with, and the last `seq` seen from the controller. */
    resume: z.object({ session: z.string(), seen: z.int() }).nullable(),
  }),
  z.object({
    type: z.literal("domains"),
    ...envelope,
    domains: z.array(DomainFrame),
    last: z.boolean(),
  }),
  z.object({
    type: z.literal("report"),
    ...envelope,
    domains: z.array(DomainFrame),
  }),
  z.object({
    type: z.literal("result"),
    ...envelope,
    id: z.string(),
    domain: DomainFrame.nullable(),
    problem: Problem.nullable(),
    /** What an `offer` or a `receive` has for the peer. */
    message: PeerMessage.optional(),
  }),
  /** How far the act `id` has come; never repeated. */
  z.object({
    type: z.literal("progress"),
    ...envelope,
    id: z.string(),
    progress: Progress,
  }),
  z.object({
    type: z.literal("usage"),
    ...envelope,
    node: NodeUsage,
    vms: z.record(z.string(), VmUsage),
    /** The first of several frames of one moment. */
    first: z.boolean().default(true),
    /** When the certificate ends that other nodes know it by, in milliseconds since 1970; null where it has none. */
    certificateEnd: z.number().nullable().optional(),
  }),
  z.object({
    type: z.literal("drivers"),
    ...envelope,
    drivers: z.array(DriverReport),
  }),
  z.object({
    type: z.literal("beat"),
    ...envelope,
    /** When it was sent, by a clock of the node's own; comes back in `lease`. */
    at: z.number().optional(),
    /** The time of the node's clock, in milliseconds since 1970. */
    now: z.number().optional(),
  }),
  /** The domains, uid to incarnation, that the guard would pause in time: all there are. */
  z.object({
    type: z.literal("guarded"),
    ...envelope,
    domains: z.record(z.string(), z.string()),
  }),
  /** The domains, uid to incarnation, that the guard has paused: may they go on? */
  z.object({
    type: z.literal("held"),
    ...envelope,
    domains: z.record(z.string(), z.string()),
  }),
  z.object({ type: z.literal("bye"), ...envelope, reason: z.string() }),
]);
export type UpFrame = z.infer<typeof UpFrame>;

/** From controller to LNM. */
export const DownFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("welcome"),
    ...envelope,
    session: z.string(),
    /** The controller goes on with the session that `hello` named. */
    resumed: z.boolean(),
    /** The last `seq` the controller saw. */
    seen: z.int(),
    beatMs: z.int().positive(),
    leaseMs: z.int().positive(),
  }),
  z.object({
    type: z.literal("act"),
    ...envelope,
    id: z.string(),
    verb: ActVerb,
    driver: z.string(),
    uid: Uid,
    /** For `start` and `receive`. */
    plan: z.object({
      name: z.string(),
      generation: z.int(),
      incarnation: z.string(),
      // A newer controller may know more of it.
      spec: VmSpec.strip(),
      /** See `DomainPlan`. */
      isHeldElsewhere: z.boolean().optional(),
    }).nullable(),
    /** For the acts of a migration. */
    transfer: Transfer.optional(),
    /** For `stop`. */
    graceMs: z.int().nonnegative(),
  }),
  /** Every domain was taken in: the node now counts for placement. */
  z.object({ type: z.literal("ready"), ...envelope }),
  /** Stop waiting for an act; whatever runs, runs on. */
  z.object({ type: z.literal("abandon"), ...envelope, id: z.string() }),
  /** Send every domain again. */
  z.object({ type: z.literal("sync"), ...envelope }),
  /** Open a console stream with this id. */
  z.object({
    type: z.literal("console"),
    ...envelope,
    id: z.string(),
    driver: z.string(),
    uid: Uid,
    historyBytes: z.int().nonnegative(),
  }),
  z.object({ type: z.literal("beat"), ...envelope }),
  /**
   * The beat that was sent at `at` was heard: from then on, the node has its
   * VMs for a whole lease (see `core/lease.ts`).
   */
  z.object({ type: z.literal("lease"), ...envelope, at: z.number() }),
  /** Domains that were asked about in `held`, and that are still this node's. */
  z.object({
    type: z.literal("release"),
    ...envelope,
    uids: z.array(z.string()),
  }),
  /** The controller ends the session. */
  z.object({
    type: z.literal("bye"),
    ...envelope,
    reason: z.string(),
    problem: Problem.nullable(),
  }),
]);
export type DownFrame = z.infer<typeof DownFrame>;

/** The version of these frames. A peer one version away is understood. */
export const PROTOCOL = 1;

/** What a node sends to join. */
export const EnrolRequest = z.object({
  secret: z.string(),
  name: NodeName,
  version: z.string(),
});
/** What a node sends to join. */
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** What a node gets when it has joined: a secret of its own. */
export const EnrolAnswer = z.object({ name: NodeName, secret: z.string() });
/** What a node gets when it has joined: a secret of its own. */
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;

/** What a join token carries, base 64 behind `usher-join-`. */
export const JoinToken = z.object({
  url: z.url(),
  ca: z.string(),
  secret: z.string(),
});
export type JoinToken = z.infer<typeof JoinToken>;
