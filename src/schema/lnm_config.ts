/**
 * Configuration of a node, as lnm.yaml holds it.
 *
 * @module
 */
import { z } from "zod";
import { AbsolutePath, LogConfig } from "./config_parts.ts";
import {
  LibvirtConfig,
  QemuConfig,
  SimConfig,
  XenConfig,
} from "./driver_config.ts";
import { Label, NodeName } from "./name.ts";
import { DEFAULT_OVERCOMMIT } from "./node.ts";
import { SizeMiB, WaitMs } from "./quantity.ts";
import { KINDS_OF_VALUE, SETTINGS } from "./setting.ts";

const MAX_PORT = 65_535;

/** Ports from one to another, `49152-49215`; both ends count. */
export const PortRange = z.string().transform((text, context) => {
  const [, first = "", last = ""] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  const isRange = range.first >= 1 && range.first <= range.last &&
    range.last <= MAX_PORT;
  if (isRange) return range;
  context.addIssue({
    code: "custom",
    message: `"${text}" is no range of ports: write it as 49152-49215`,
  });
  return z.NEVER;
}).register(KINDS_OF_VALUE, { kind: "range of ports" });
/** Ports from one to another; both ends count. */
export type PortRange = z.output<typeof PortRange>;

/** An address or a name, without a port. */
const Host = z.union([z.ipv4(), z.ipv6(), z.hostname()], {
  error: "must be an address or a DNS name, without a port",
}).register(KINDS_OF_VALUE, { kind: "address or DNS name" });

/** How many times over something is promised. */
const Ratio = z.number().min(0.1, "must be 0.1 at least").max(
  1000,
  "must be 1000 at most",
);

/** Configuration of a node. */
export const LnmConfig = z.strictObject({
  name: NodeName.optional().register(SETTINGS, {
    about:
      "This node's name; the first label of the host's name when absent. It is the site's from the moment that the node joins.",
    example: "n1",
    type: "name",
  }),
  state_dir: AbsolutePath.default("/var/lib/usher/lnm").register(SETTINGS, {
    about:
      "What the node keeps: its credential, handles of domains, overlays, logs.",
  }),
  run_dir: AbsolutePath.default("/run/usher").register(SETTINGS, {
    about:
      "Sockets of domains. Keep it short: a socket's path has 107 bytes at most.",
  }),
  labels: z.record(Label, z.string().max(63)).default({}).register(SETTINGS, {
    about:
      "Labels for placement, such as zone: a; usher vm start --node-label zone=a asks for them.",
    live: true,
  }),
  capacity: z.strictObject({
    cpus: z.int().min(1).optional().register(SETTINGS, {
      about: "Processors for VMs.",
      example: "8",
      live: true,
    }),
    memory: SizeMiB.optional().register(SETTINGS, {
      about: "Memory for VMs.",
      example: "24GiB",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about: "What of this machine VMs may have; all of it when absent.",
  }),
  overcommit: z.strictObject({
    memory: Ratio.default(DEFAULT_OVERCOMMIT.memory).register(SETTINGS, {
      about:
        "A guest that uses memory which is not there gets killed, so memory is promised once.",
      live: true,
    }),
    cpus: Ratio.default(DEFAULT_OVERCOMMIT.cpus).register(SETTINGS, {
      about:
        "Processors are promised 16 times over, since most guests are idle most of the time; 1 gives every vcpu a processor of its own.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about:
      "How much more than its capacity the node promises to VMs: 1.5 is half as much again.",
  }),
  drivers: z.strictObject({
    qemu: QemuConfig.prefault({}).register(SETTINGS, {
      about: "Real VMs, by QEMU alone.",
    }),
    libvirt: LibvirtConfig.prefault({}).register(SETTINGS, {
      about: "Real VMs, by a libvirt daemon.",
    }),
    xen: XenConfig.prefault({}).register(SETTINGS, {
      about: "Real VMs, on a Xen host; the node manager runs in its dom0.",
    }),
    sim: SimConfig.prefault({}).register(SETTINGS, {
      about:
        "Simulated VMs, for trying usher and for tests. docs/drivers.md has its knobs.",
    }),
  }).prefault({}).register(SETTINGS, {
    about: "What runs VMs here.",
  }),
  migration: z.strictObject({
    address: Host.optional().register(SETTINGS, {
      about:
        "The address from which this node reaches the controller, when absent.",
      example: "192.0.2.11",
    }),
    ports: PortRange.prefault("49152-49215").register(SETTINGS, {
      about:
        "A move takes a port, and one more when the VM has disks of its own.",
    }),
  }).prefault({}).register(SETTINGS, {
    about:
      "Where other nodes reach this one when a VM moves to it. Nothing listens there but for the time of a move, and only nodes of the site get in.",
  }),
  usage_interval: WaitMs.refine((ms) => ms >= 10, "must be 10ms at least")
    .prefault("10s").register(SETTINGS, {
      about: "How often usage is measured and sent.",
      live: true,
    }),
  log: LogConfig.register(SETTINGS, { about: "The log." }),
});
/** Configuration of a node. */
export type LnmConfig = z.infer<typeof LnmConfig>;
