/**
 * The VM: what its owner asked for, and what usher last saw of it.
 *
 * `VmSpec` is the state of record. Only the API writes it, and every write
 * raises `generation`. `VmStatus` is the state of the world. Only the node
 * that holds the VM writes it (and the node watch, for `unknown`). Neither
 * side writes the other's half, so the two cannot race.
 *
 * @module
 */
import { z } from "zod";
import { Label, NodeName, Uid, VmName } from "./name.ts";
import { SizeMiB } from "./quantity.ts";

const MAX_PATH = 4096;

/** An absolute path on the node that runs the VM. */
export const NodePath = z.string().max(MAX_PATH).regex(
  // deno-lint-ignore no-control-regex -- a path with control characters is a trick
  /^\/[^\x00-\x1f\x7f]*$/,
  "must be an absolute path on the node, such as /srv/images/debian.qcow2",
);

/** What a driver says a domain is doing; `absent` when it knows of none. */
export const DomainState = z.enum([
  "absent",
  "starting",
  "running",
  "paused",
  "stopping",
  "stopped",
  "crashed",
  "migrating",
]);
export type DomainState = z.infer<typeof DomainState>;

/** A VM's state; `unknown` once its node has been silent past its lease. */
export const VmState = z.enum([...DomainState.options, "unknown"]);
export type VmState = z.infer<typeof VmState>;

/** Whether the owner wants the VM powered. */
export const PowerIntent = z.enum(["on", "off"]);
export type PowerIntent = z.infer<typeof PowerIntent>;

/** One disk: a file on the node, or an overlay that usher makes on a base. */
export const DiskSpec = z.strictObject({
  /** The image itself; written to, unless `readonly`. */
  path: NodePath.optional(),
  /** A base image that stays as it is; writes go to an overlay of the VM's. */
  base: NodePath.optional(),
  /** The format of `path` or `base`; an overlay is always qcow2. */
  format: z.enum(["raw", "qcow2"]).default("qcow2"),
  /** The overlay's size when it should be larger than its base. */
  sizeMiB: SizeMiB.optional(),
  readonly: z.boolean().default(false),
  /** Whether every node sees the same file under this path. */
  shared: z.boolean().default(false),
}).refine(
  (disk) => (disk.path === undefined) !== (disk.base === undefined),
  "needs exactly one of path and base",
);
export type DiskSpec = z.infer<typeof DiskSpec>;

const Port = z.int().min(1).max(65535);

/** A port of the node that leads to a port of the guest (user mode only). */
export const PortForward = z.strictObject({
  protocol: z.enum(["tcp", "udp"]).default("tcp"),
  /** The node's address to listen on. */
  address: z.ipv4().default("127.0.0.1"),
  nodePort: Port,
  guestPort: Port,
});
export type PortForward = z.infer<typeof PortForward>;

/** A MAC address, unicast, lower case. */
export const Mac = z.string().regex(
  /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/,
  "must be a unicast MAC address such as 52:54:00:12:34:56",
);

const InterfaceName = z.string().regex(
  /^[A-Za-z0-9_.-]{1,15}$/,
  "must be an interface name of 15 characters at most",
);

/** One network card. `bridge` and `tap` need the node's permission. */
export const NicSpec = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("user"),
    mac: Mac.optional(),
    forwards: z.array(PortForward).max(64).default([]),
  }),
  z.strictObject({
    kind: z.literal("bridge"),
    bridge: InterfaceName,
    mac: Mac.optional(),
  }),
  z.strictObject({
    kind: z.literal("tap"),
    tap: InterfaceName,
    mac: Mac.optional(),
  }),
]);
export type NicSpec = z.infer<typeof NicSpec>;

/** A kernel to boot directly; without one the VM boots from its first disk. */
export const KernelBoot = z.strictObject({
  kernel: NodePath,
  initrd: NodePath.optional(),
  cmdline: z.string().max(2048).regex(
    // deno-lint-ignore no-control-regex -- a kernel command line is one line of text
    /^[^\x00-\x1f\x7f]*$/,
    "must be one line without control characters",
  ).default(""),
});
export type KernelBoot = z.infer<typeof KernelBoot>;

const MachineType = z.string().regex(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  "must be a QEMU machine type such as pc or q35",
);

const CpuModel = z.string().regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "must be a QEMU CPU model such as max or EPYC",
);

/** What only the qemu driver understands. */
export const QemuOptions = z.strictObject({
  machine: MachineType.optional(),
  cpu: CpuModel.optional(),
});
export type QemuOptions = z.infer<typeof QemuOptions>;

/**
 * What only the libvirt driver understands. Nothing in it has a default: a
 * record of another driver's VM is no larger for it.
 */
export const LibvirtOptions = z.strictObject({
  machine: MachineType.optional(),
  cpu: CpuModel.optional(),
  /** What boots a VM that has no kernel of its own; bios when absent. */
  firmware: z.enum(["bios", "uefi"]).optional(),
});
export type LibvirtOptions = z.infer<typeof LibvirtOptions>;

/** What only the xen driver understands; without defaults, as `LibvirtOptions`. */
export const XenOptions = z.strictObject({
  /** How the guest is virtualised, pvh when absent; pv and pvh need a kernel or a bootloader. */
  type: z.enum(["pv", "pvh", "hvm"]).optional(),
  /** What becomes of the domain of a guest that crashed, destroy when absent; none restarts by itself. */
  onCrash: z.enum(["destroy", "preserve"]).optional(),
  /** Reads the kernel of a pv or pvh guest out of its first disk. */
  bootloader: z.enum(["pygrub"]).optional(),
  /** What boots an hvm guest; bios when absent. */
  firmware: z.enum(["bios", "uefi"]).optional(),
  /** The processors of the node that its vcpus may run on. */
  cpus: z.string().max(200).regex(
    /^\^?\d{1,4}(-\d{1,4})?(,\^?\d{1,4}(-\d{1,4})?)*$/,
    "must be processors such as 0-3,^2",
  ).optional(),
  /** Its share beside other domains; 256 is what Xen gives by itself. */
  cpuWeight: z.int().min(1).max(65_535).optional(),
  /** The most that it may have of the processors, in hundredths of one. */
  cpuCap: z.int().min(1).max(51_200).optional(),
});
export type XenOptions = z.infer<typeof XenOptions>;

/** How a simulated domain behaves; `docs/drivers.md` explains each knob. */
export const SimOptions = z.strictObject({
  /** Time from start to running. */
  bootMs: z.int().min(0).max(600_000).default(0),
  /** Time a guest takes to obey a shutdown. */
  shutdownMs: z.int().min(0).max(600_000).default(0),
  /** The guest ignores shutdown requests. */
  ignoreShutdown: z.boolean().default(false),
  /** A start fails with this text. */
  startError: z.string().max(200).optional(),
  /** A start never returns. */
  startHangs: z.boolean().default(false),
  /** The share of its processors that the guest keeps busy; drawn from its uid when absent. */
  cpuLoad: z.number().min(0).max(1).optional(),
  /** The domain crashes by itself so long after it ran. */
  crashAfterMs: z.int().min(0).optional(),
  /** Sending it to another node takes so long. */
  sendMs: z.int().min(0).max(3_600_000).default(0),
  /** Sending it fails halfway with this text. */
  sendError: z.string().max(200).optional(),
  /** Sending it stops halfway, and never ends. */
  sendHangs: z.boolean().default(false),
  /** Verbs act, and their answer is lost. */
  replyLost: z.boolean().default(false),
});
export type SimOptions = z.infer<typeof SimOptions>;

/** Key and value of a node's label. */
export const NodeLabels = z.record(
  z.string().regex(
    /^[A-Za-z0-9_./-]{1,64}$/,
    "a label has letters, digits, _ . / -, 64 at most",
  ),
  z.string().max(256),
);

/** Where a VM may run; every part of it holds at every placement. */
export const PlacementSpec = z.strictObject({
  /** Labels that its node must have. */
  nodeLabels: NodeLabels.default({}),
  /** VMs, by name or pattern, that must not share its node. */
  apartFrom: z.array(z.string().min(1).max(200)).max(32).default([]),
  /** VMs, by name or pattern, whose node it must share. */
  togetherWith: z.array(z.string().min(1).max(200)).max(32).default([]),
});
export type PlacementSpec = z.infer<typeof PlacementSpec>;

/** What becomes of a VM when its node is lost. */
export const OnNodeLoss = z.enum(["wait", "restart"]);
export type OnNodeLoss = z.infer<typeof OnNodeLoss>;

/** The name of a driver. */
export const DriverName = Label;

/** Free arguments, `key=value`, kept on the VM for plugins. */
export const Args = z.record(
  z.string().regex(
    /^[A-Za-z0-9_.-]{1,64}$/,
    "a key has letters, digits, _ . -, 64 at most",
  ),
  z.string().max(4096),
);
export type Args = z.infer<typeof Args>;

/**
 * The half that the owner writes.
 *
 * Drivers share all but the part that bears their name, and refuse a start
 * with `invalid_input` for what they cannot give. Of boot, disks and nics:
 *
 * - qemu takes them all;
 * - libvirt takes all but the `forwards` of a nic;
 * - xen takes nics on bridges alone, and `boot` is what pv and pvh guests start
 *   by, unless a bootloader reads the kernel from their first disk;
 * - sim ignores `boot`, `disks` and `nics`.
 */
export const VmSpec = z.strictObject({
  /** Which driver runs it; null leaves that to the site's default. */
  driver: DriverName.nullable().default(null),
  vcpus: z.int().min(1).max(512).default(1),
  memoryMiB: z.int().min(16).max(64 * 1024 * 1024).default(256),
  boot: KernelBoot.nullable().default(null),
  disks: z.array(DiskSpec).max(32).default([]),
  nics: z.array(NicSpec).max(16).default([]),
  qemu: QemuOptions.default({}),
  libvirt: LibvirtOptions.default({}),
  xen: XenOptions.default({}),
  sim: SimOptions.prefault({}),
  placement: PlacementSpec.prefault({}),
  /** Waits for its node (and nothing else can be wrong), or starts elsewhere. */
  onNodeLoss: OnNodeLoss.default("wait"),
  /** What the VM should be: set by start and by shutdown, never guessed. */
  power: PowerIntent.default("on"),
});
export type VmSpec = z.infer<typeof VmSpec>;

/** The half that the owning node writes. */
export const VmStatus = z.object({
  state: VmState,
  /** Why it is in `state`, for people: "guest shut down", "killed by signal 9". */
  reason: z.string(),
  /** The operation that started the domain now known; null when none is. */
  incarnation: z.string().nullable(),
  /** When `state` was entered, ISO 8601 in UTC. */
  since: z.string(),
  /** The `generation` that the domain was started with. */
  observedGeneration: z.int().nonnegative(),
  /** The state that it had before it went out of reach, or before its guard held it; absent otherwise. */
  last: DomainState.optional(),
  /** The guard that has confirmed that it would pause this run in time; absent when none has. */
  guard: z.object({ node: NodeName, incarnation: z.string() }).optional(),
});
export type VmStatus = z.infer<typeof VmStatus>;

/** 1-, 5- and 15-minute averages. */
export const Load = z.object({
  m1: z.number(),
  m5: z.number(),
  m15: z.number(),
});
export type Load = z.infer<typeof Load>;

/** What one VM uses; null where its driver cannot tell. */
export const VmUsage = z.object({
  /** Processors busy: 1 is one whole vcpu's worth. */
  cpu: Load.nullable(),
  /** Memory of the node that it occupies now. */
  memoryMiB: z.number().nullable(),
  /** Bytes a second, read and written. */
  diskRead: Load.nullable(),
  diskWrite: Load.nullable(),
  /** Bytes a second, received and sent. */
  netRx: Load.nullable(),
  netTx: Load.nullable(),
});
export type VmUsage = z.infer<typeof VmUsage>;

/** Starts that the loss of its node has brought a VM. Only the controller writes it. */
export const Restarts = z.object({
  /** One is owed: the VM is to run, and does not. */
  due: z.boolean(),
  /** How many there were in a row; it begins anew after a quiet time. */
  count: z.int().nonnegative(),
  /** When the last one began, ISO 8601; null before the first. */
  at: z.string().nullable(),
  /** A node whose guard may still hold a paused copy; absent once that is surely gone. */
  heldOn: NodeName.optional(),
});
export type Restarts = z.infer<typeof Restarts>;

/** A VM as the API returns it and the store keeps it. */
export const Vm = z.object({
  /** Version of this record's shape, for migrations. */
  v: z.literal(1),
  uid: Uid,
  name: VmName,
  generation: z.int().positive(),
  spec: VmSpec,
  status: VmStatus,
  /** Where placement put it; null before. Only the controller writes it. */
  node: NodeName.nullable(),
  args: Args,
  createdAt: z.string(),
  /** The change that last touched it; see `change.ts`. */
  revision: z.int().nonnegative(),
  /** Found on a node, not made by usher. */
  found: z.boolean().default(false),
  /** What a found one is to its hypervisor: the driver, and its name there. */
  domain: z.string().max(1000).optional(),
  /** It came from a backup, and no node has told of it since; absent otherwise. */
  unconfirmed: z.boolean().optional(),
  /** Its node told of it, and has yet to tell what it was started with; absent otherwise. */
  partial: z.boolean().optional(),
  /** Absent while no loss of a node has concerned it. */
  restarts: Restarts.optional(),
});
export type Vm = z.infer<typeof Vm>;
