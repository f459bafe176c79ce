/**
 * The request: what a client asks, for a list of VMs.
 *
 * A request carries an id of the client's choosing: sent again, it returns
 * the operations it made the first time. Unknown fields are refused, since a
 * misspelt option that is silently dropped is worse than an error.
 *
 * @module
 */
import { z } from "zod";
import { MigrateOptions } from "./migrate.ts";
import { Label, NodeName } from "./name.ts";
import {
  Args,
  DiskSpec,
  DriverName,
  KernelBoot,
  LibvirtOptions,
  NicSpec,
  OnNodeLoss,
  PlacementSpec,
  QemuOptions,
  SimOptions,
  XenOptions,
} from "./vm.ts";
import { DurationMs, MemoryMiB, WaitMs } from "./quantity.ts";

/** The most VMs that one request may name. */
export const MAX_VMS = 10_000;

/** The default time that a guest gets to shut down. */
export const DEFAULT_GRACE_MS = 60_000;

const RequestId = z.string().regex(
  /^[A-Za-z0-9_-]{8,64}$/,
  "must have 8 to 64 letters, digits, _ or -",
);

const Names = z.array(z.string().min(1).max(200)).min(1).max(MAX_VMS);

const common = {
  id: RequestId.optional(),
  names: Names,
  args: Args.default({}),
  /** Wait behind an operation that holds a VM (true), or answer `busy`. */
  queue: z.boolean().default(true),
};

/** What a new VM may be given; what is absent takes the site's default. */
export const SpecInput = z.strictObject({
  driver: DriverName.optional(),
  vcpus: z.int().min(1).max(512).optional(),
  memoryMiB: MemoryMiB.optional(),
  boot: KernelBoot.optional(),
  disks: z.array(DiskSpec).max(32).optional(),
  nics: z.array(NicSpec).max(16).optional(),
  qemu: QemuOptions.optional(),
  libvirt: LibvirtOptions.optional(),
  xen: XenOptions.optional(),
  sim: SimOptions.partial().optional(),
  placement: PlacementSpec.partial().optional(),
  onNodeLoss: OnNodeLoss.optional(),
});
export type SpecInput = z.infer<typeof SpecInput>;

const creating = {
  /** Makes so many VMs, NAME-1 to NAME-n; then `names` holds one name. */
  count: z.int().min(1, "must be 1 at least").max(
    MAX_VMS,
    `must be ${MAX_VMS} at most`,
  ).optional(),
  spec: SpecInput.default({}),
  /**
   * Arguments of single VMs, over `args`, by full name: an address for each of
   * ten. Handlers of plugins write it; from a client it is refused.
   */
  vmArgs: z.record(z.string().max(200), Args).default({}),
};

export const StartRequest = z.strictObject({
  verb: z.literal("start"),
  ...common,
  ...creating,
  /** The node to start on. */
  on: NodeName.optional(),
});
/** Moves VMs to another node. */
export const MigrateRequest = z.strictObject({
  verb: z.literal("migrate"),
  ...common,
  /** The node to move to; placement chooses when absent. */
  to: NodeName.optional(),
  ...MigrateOptions.shape,
});
export const RegisterRequest = z.strictObject({
  verb: z.literal("register"),
  ...common,
  ...creating,
  /** The node that a new VM belongs to from the start; it is placed later when absent. */
  on: NodeName.optional(),
});
export const ShutdownRequest = z.strictObject({
  verb: z.literal("shutdown"),
  ...common,
  graceMs: WaitMs.default(DEFAULT_GRACE_MS),
});
export const RebootRequest = z.strictObject({
  verb: z.literal("reboot"),
  ...common,
  graceMs: WaitMs.default(DEFAULT_GRACE_MS),
});
export const PoweroffRequest = z.strictObject({
  verb: z.literal("poweroff"),
  ...common,
});
export const CycleRequest = z.strictObject({
  verb: z.literal("cycle"),
  ...common,
});
export const PauseRequest = z.strictObject({
  verb: z.literal("pause"),
  ...common,
});
export const ResumeRequest = z.strictObject({
  verb: z.literal("resume"),
  ...common,
});
export const UnregisterRequest = z.strictObject({
  verb: z.literal("unregister"),
  ...common,
});
export const DestroyRequest = z.strictObject({
  verb: z.literal("destroy"),
  ...common,
});

/** Any request for VMs. */
export const VmRequest = z.discriminatedUnion("verb", [
  StartRequest,
  MigrateRequest,
  RegisterRequest,
  ShutdownRequest,
  RebootRequest,
  PoweroffRequest,
  CycleRequest,
  PauseRequest,
  ResumeRequest,
  UnregisterRequest,
  DestroyRequest,
]);
export type VmRequest = z.infer<typeof VmRequest>;
/** A request as a client writes it, before defaults. */
export type VmRequestInput = z.input<typeof VmRequest>;

/** A login with a password. */
export const LoginRequest = z.strictObject({
  user: Label,
  password: z.string().min(1).max(1024),
});
/** A login with a password. */
export type LoginRequest = z.infer<typeof LoginRequest>;

/** What a join token should be good for. */
export const NodeTokenRequest = z.strictObject({
  /** The only name that may join with it; any when absent. */
  node: NodeName.optional(),
  ttlMs: DurationMs.default(24 * 3_600_000),
});
/** What a join token should be good for. */
export type NodeTokenRequest = z.infer<typeof NodeTokenRequest>;
