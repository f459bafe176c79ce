/**
 * Configuration of the three roles, as their YAML files hold it.
 *
 * Keys are snake_case. Unknown keys are refused, with the nearest known one.
 * Every option is explained in `configs/`, whose files a test parses.
 *
 * @module
 */
import { z } from "zod";
import { Label, NodeName } from "./name.ts";
import { DEFAULT_OVERCOMMIT } from "./node.ts";
import { Strategy } from "./placement.ts";
import { PluginConfigs } from "./plugin.ts";
import { DurationMs, MemoryMiB, SizeMiB, WaitMs } from "./quantity.ts";

/** An address to listen on, `host:port`, `[v6]:port` or `:port`. */
export const ListenAddress = z.string().regex(
  /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):\d{1,5}$/,
  "must be host:port, such as 0.0.0.0:8440",
).refine(
  (text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65535,
  "has a port above 65535",
);

/** What a certificate may call the controller. */
const HostName = z.string().min(1).max(253).regex(
  /^((\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?|[0-9a-f:]*:[0-9a-f:.]*)$/i,
  "must be a DNS name or an address",
);

const LogConfig = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  format: z.enum(["auto", "human", "json"]).default("auto"),
});

/** Configuration of the controller. */
export const CtrlConfig = z.strictObject({
  state_dir: z.string().startsWith("/").default("/var/lib/usher/ctrl"),
  /** A KV Connect URL; the embedded file in `state_dir` when absent. */
  kv_url: z.url().optional(),
  listen: z.strictObject({
    clients: ListenAddress.default("0.0.0.0:8440"),
    nodes: ListenAddress.default("0.0.0.0:8441"),
  }).prefault({}),
  /** DNS names and addresses that clients and nodes call it by. */
  names: z.array(HostName).default([]),
  tls: z.strictObject({
    ca: z.string().startsWith("/"),
    cert: z.string().startsWith("/"),
    key: z.string().startsWith("/"),
  }).optional(),
  name_suffix: z.string().max(253).default(""),
  defaults: z.strictObject({
    /** The driver of a VM that names none; `auto` takes what most nodes have. */
    driver: z.union([z.literal("auto"), Label]).default("auto"),
    vcpus: z.int().min(1).max(512).default(1),
    memory: MemoryMiB.prefault("256MiB"),
  }).prefault({}),
  placement: z.strictObject({
    /** Which of the nodes that can take a VM does. */
    strategy: Strategy.default("spread"),
  }).prefault({}),
  /** Silence after which a node's VMs are `unknown`. */
  node_lease: WaitMs.refine((ms) => ms >= 1000, "must be 1s at least")
    .prefault("15s"),
  /** How long beyond its lease a lost node's guarded VMs stay where they are. */
  takeover_margin: WaitMs.refine((ms) => ms >= 3000, "must be 3s at least")
    .prefault("10s"),
  drain: z.strictObject({
    /** VMs that leave a drained node at the same time. */
    parallel: z.int().min(1).max(64).default(2),
    /** VMs that drains send to one node at the same time. */
    per_target: z.int().min(1).max(64).default(2),
  }).prefault({}),
  session_ttl: DurationMs.prefault("30d"),
  /** How long ended operations and requests are kept, and how many. */
  history: z.strictObject({
    keep: DurationMs.prefault("7d"),
    operations: z.int().min(100).default(20_000),
    /** Of the change stream, in memory, for watchers that come back. */
    changes: z.int().min(1000).default(20_000),
  }).prefault({}),
  /** Folders with plugins, beside those that ship. */
  plugin_dirs: z.array(z.string().startsWith("/")).default([]),
  plugins: PluginConfigs.prefault({}),
  /** Events that are kept to be played to a plugin later (usher plugin test). */
  recording: z.strictObject({
    keep: DurationMs.prefault("7d"),
    size: SizeMiB.prefault("100MiB"),
  }).prefault({}),
  log: LogConfig.prefault({}),
});
/** Configuration of the controller. */
export type CtrlConfig = z.infer<typeof CtrlConfig>;

/** Configuration of the qemu driver on one node. */
export const QemuConfig = z.strictObject({
  enabled: z.boolean().default(true),
  binary: z.string().default("qemu-system-x86_64"),
  accel: z.enum(["auto", "kvm", "tcg"]).default("auto"),
  machine: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/).default("pc"),
  /** Bridges that nics may join; `*` at the end matches any rest. */
  bridges: z.array(z.string()).default([]),
  /** Tap devices that nics may use; `*` at the end matches any rest. */
  taps: z.array(z.string()).default([]),
  /** Console log of one domain; the older half is dropped beyond it. */
  console_log: SizeMiB.prefault("1MiB"),
  /** How long QEMU may take from its start to its first answer. */
  start_timeout: DurationMs.prefault("30s"),
});
/** Configuration of the qemu driver on one node. */
export type QemuConfig = z.infer<typeof QemuConfig>;

/** The simulator checks its own knobs, beside `enabled`; see docs/drivers.md. */
export const SimConfig = z.looseObject({
  enabled: z.boolean().default(false),
});
export type SimConfig = z.infer<typeof SimConfig>;

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
});
/** Ports from one to another; both ends count. */
export type PortRange = z.output<typeof PortRange>;

/** An address or a name, without a port. */
const Host = z.union([z.ipv4(), z.ipv6(), z.hostname()], {
  error: "must be an address or a DNS name, without a port",
});

/** How many times over something is promised. */
const Ratio = z.number().min(0.1, "must be 0.1 at least").max(
  1000,
  "must be 1000 at most",
);

/** Configuration of a node. */
export const LnmConfig = z.strictObject({
  /** This node's name; the host name's first label when absent. */
  name: NodeName.optional(),
  state_dir: z.string().startsWith("/").default("/var/lib/usher/lnm"),
  run_dir: z.string().startsWith("/").default("/run/usher"),
  labels: z.record(Label, z.string().max(63)).default({}),
  /** What of this machine VMs may use; all of it when absent. */
  capacity: z.strictObject({
    cpus: z.int().positive().optional(),
    memory: SizeMiB.optional(),
  }).prefault({}),
  /** How much more than it has the node promises to VMs, as a ratio. */
  overcommit: z.strictObject({
    memory: Ratio.default(DEFAULT_OVERCOMMIT.memory),
    cpus: Ratio.default(DEFAULT_OVERCOMMIT.cpus),
  }).prefault({}),
  drivers: z.strictObject({
    qemu: QemuConfig.prefault({}),
    sim: SimConfig.prefault({}),
  }).prefault({}),
  /** Where other nodes reach this one when a VM moves. */
  migration: z.strictObject({
    /** The one from which it reaches the controller, when absent. */
    address: Host.optional(),
    ports: PortRange.prefault("49152-49215"),
  }).prefault({}),
  usage_interval: WaitMs.refine((ms) => ms >= 10, "must be 10ms at least")
    .prefault("10s"),
  log: LogConfig.prefault({}),
});
/** Configuration of a node. */
export type LnmConfig = z.infer<typeof LnmConfig>;

/** Configuration of the command line. */
export const CliConfig = z.strictObject({
  /** The controller's URL. */
  controller: z.url().optional(),
  /** A file with the CA of the site. */
  ca_file: z.string().optional(),
  /** Where `usher login` keeps sessions. */
  credentials: z.string().optional(),
  output: z.enum(["table", "wide", "json", "ndjson", "yaml", "name"]).default(
    "table",
  ),
});
/** Configuration of the command line. */
export type CliConfig = z.infer<typeof CliConfig>;
