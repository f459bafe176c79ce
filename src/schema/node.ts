/**
 * The node: a machine that runs VMs, as its LNM describes it.
 *
 * `capacity`, `drivers` and `usage` come from the LNM; `state` is the
 * controller's verdict (`ready` while a session lives, `silent` after it
 * ended, `lost` once its lease is over, `dead` once an administrator said so).
 *
 * @module
 */
import { z } from "zod";
import { DriverName, Load } from "./vm.ts";
import { NodeName } from "./name.ts";

/** What a machine has. */
export const Capacity = z.object({
  cpus: z.int().positive(),
  memoryMiB: z.int().positive(),
});
export type Capacity = z.infer<typeof Capacity>;

/** How much more than it has a node may promise to VMs, as a ratio. */
export const Overcommit = z.object({
  memory: z.number().positive(),
  /** Vcpus for each processor, of all VMs together. */
  cpus: z.number().positive(),
});
export type Overcommit = z.infer<typeof Overcommit>;

/**
 * What a node promises that says nothing of it: the memory that it has, since
 * a guest that is promised more is killed for it, and processors many times
 * over, since guests are idle mostly.
 */
export const DEFAULT_OVERCOMMIT: Overcommit = { memory: 1, cpus: 16 };

/** What of a spec a driver gives its guests, and which of them it moves; see `docs/drivers.md`. */
export const DriverOffers = z.object({
  /** `kernel`: directly, `disk`: by firmware or a bootloader. */
  boot: z.array(z.string()),
  /** Formats, `overlay` on a base, `volume`: a block device. */
  disks: z.array(z.string()),
  /** Kinds of nics. */
  nics: z.array(z.string()),
  /** `running`, `paused` and `off` guests, `disks` of their own, `post-copy`. */
  moves: z.array(z.string()),
});
export type DriverOffers = z.infer<typeof DriverOffers>;

/** What a driver can do on a node right now. */
export const DriverReport = z.object({
  name: DriverName,
  health: z.enum(["undetected", "unhealthy", "healthy"]),
  /** Why it is not healthy; empty otherwise. */
  reason: z.string().default(""),
  version: z.string().default(""),
  /** Such as `accel: tcg`. */
  attributes: z.record(z.string(), z.string()).default({}),
  /** Optional abilities: pausing, console, migration, guarding, adoption. */
  abilities: z.array(z.string()).default([]),
  /** Absent where its usher does not tell. */
  offers: DriverOffers.optional(),
});
export type DriverReport = z.infer<typeof DriverReport>;

/** What the whole machine uses. */
export const NodeUsage = z.object({
  /** Processors busy. */
  cpu: Load.nullable(),
  memoryMiB: z.number().nullable(),
  diskRead: Load.nullable(),
  diskWrite: Load.nullable(),
  netRx: Load.nullable(),
  netTx: Load.nullable(),
});
export type NodeUsage = z.infer<typeof NodeUsage>;

/** The controller's verdict on a node; `dead` once an administrator said so. */
export const NodeState = z.enum(["ready", "silent", "lost", "dead"]);
/** The controller's verdict on a node. */
export type NodeState = z.infer<typeof NodeState>;

/** A node as the API returns it. */
export const Node = z.object({
  v: z.literal(1),
  name: NodeName,
  state: NodeState,
  /** When `state` was entered, ISO 8601 in UTC. */
  since: z.string(),
  /** usher's version there. */
  version: z.string(),
  capacity: Capacity,
  drivers: z.array(DriverReport),
  overcommit: Overcommit.default(DEFAULT_OVERCOMMIT),
  labels: z.record(z.string(), z.string()).default({}),
  /** Takes no new VMs, since an administrator drains it. */
  draining: z.boolean().default(false),
  /** The boot of the machine that it last told of; absent before the first. */
  bootId: z.string().optional(),
  joinedAt: z.string(),
  revision: z.int().nonnegative(),
});
export type Node = z.infer<typeof Node>;
