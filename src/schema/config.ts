/**
 * Configuration of the three roles, as their YAML files hold it: that of the
 * controller here, the others by name.
 *
 * Keys are snake_case. Unknown keys are refused, with the nearest known one.
 * What each does stands beside it; configs/ and docs/configuration.md are made
 * from that.
 *
 * @module
 */
import { z } from "zod";
import { AbsolutePath, LogConfig } from "./config_parts.ts";
import { Label } from "./name.ts";
import { Strategy } from "./placement.ts";
import { PluginConfigs, USERS_PLUGIN } from "./plugin.ts";
import { DurationMs, MemoryMiB, SizeMiB, WaitMs } from "./quantity.ts";
import { QuotaConfig } from "./quota.ts";
import { KINDS_OF_VALUE, SETTINGS } from "./setting.ts";

export { CliConfig } from "./cli_config.ts";
export { LnmConfig, PortRange } from "./lnm_config.ts";
export {
  LibvirtConfig,
  QemuConfig,
  SimConfig,
  XenConfig,
} from "./driver_config.ts";

/** An address to listen on, `host:port`, `[v6]:port` or `:port`. */
export const ListenAddress = z.string().regex(
  /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):\d{1,5}$/,
  "must be host:port, such as 0.0.0.0:8440",
).refine(
  (text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65535,
  "has a port above 65535",
).register(KINDS_OF_VALUE, { kind: "host:port" });

/** What a certificate may call the controller. */
const HostName = z.string().min(1).max(253).regex(
  /^((\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?|[0-9a-f:]*:[0-9a-f:.]*)$/i,
  "must be a DNS name or an address",
).register(KINDS_OF_VALUE, { kind: "DNS name or address" });

const Tls = z.strictObject({
  ca: AbsolutePath.clone().register(SETTINGS, {
    about: "The authority that nodes and clients trust.",
    example: "/etc/usher/ca.pem",
  }),
  cert: AbsolutePath.clone().register(SETTINGS, {
    about: "The controller's certificate, with those between it and the CA.",
    example: "/etc/usher/ctrl.pem",
  }),
  key: AbsolutePath.clone().register(SETTINGS, {
    about: "Its key; for the controller's user alone (0600).",
    example: "/etc/usher/ctrl.key",
  }),
});

function quotaOf(who: string) {
  const limit = (what: string, example: string) => ({
    about: `${what}; no limit when absent.`,
    example,
    live: true as const,
  });
  const { vms, vcpus, memory, disk } = QuotaConfig.shape;
  return z.strictObject({
    vms: vms.clone().register(SETTINGS, limit("VMs, on or off", "100")),
    vcpus: vcpus.clone().register(
      SETTINGS,
      limit("Virtual processors of VMs that are on", "64"),
    ),
    memory: memory.clone().register(
      SETTINGS,
      limit("Memory of VMs that are on", "256GiB"),
    ),
    disk: disk.clone().register(
      SETTINGS,
      limit("Disks that usher makes, of VMs on or off", "2TiB"),
    ),
  }).prefault({}).register(SETTINGS, { about: `What ${who} may have.` });
}

const Quotas = z.strictObject({
  user: quotaOf("each user"),
  cluster: quotaOf("each cluster"),
}).prefault({}).register(SETTINGS, {
  about:
    "How much users and clusters may have, where an administrator sets nothing else (usher quota set).",
});
/** How much users and clusters may have, by the configuration. */
export type QuotasConfig = z.infer<typeof Quotas>;

/** Configuration of the controller. */
export const CtrlConfig = z.strictObject({
  state_dir: AbsolutePath.default("/var/lib/usher/ctrl").register(SETTINGS, {
    about:
      "Where the controller keeps its state: the database, its CA and certificate.",
  }),
  kv_url: z.url().optional().register(SETTINGS, {
    about: "A KV Connect URL instead of the database in state_dir.",
    example: "https://kv.example.org",
  }),
  listen: z.strictObject({
    clients: ListenAddress.default("0.0.0.0:8440").register(SETTINGS, {
      about:
        "Clients: people, programs, browsers. HTTP/2 and HTTP/1.1 over TLS.",
    }),
    nodes: ListenAddress.default("0.0.0.0:8441").register(SETTINGS, {
      about: "Nodes. Nothing but nodes needs to reach it.",
    }),
  }).prefault({}).register(SETTINGS, { about: "Where it listens." }),
  names: z.array(HostName).default([]).register(SETTINGS, {
    type: "list of DNS names and addresses",
    about:
      "DNS names and addresses that clients and nodes call this controller by. They go into its certificate; join tokens carry the first. This machine's name and loopback are always in.",
  }),
  tls: Tls.optional().register(SETTINGS, {
    about: "A certificate of your own instead of usher's CA; PEM files.",
  }),
  name_suffix: z.string().max(253).default("").register(SETTINGS, {
    about:
      "The DNS suffix of VM names: vm.cluster.user with it means the same VM, and plugins such as udns use it.",
  }),
  defaults: z.strictObject({
    driver: z.union([z.literal("auto"), Label]).default("auto").register(
      SETTINGS,
      {
        about: "A driver's name, or auto: the one that most nodes have.",
        live: true,
        type: "name, or auto",
      },
    ),
    vcpus: z.int().min(1).max(512).default(1).register(SETTINGS, {
      about: "Virtual processors.",
      live: true,
    }),
    memory: MemoryMiB.prefault("256MiB").register(SETTINGS, {
      about: "Memory, 16MiB at least.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about: "What a new VM gets that asks for nothing.",
  }),
  quotas: Quotas,
  placement: z.strictObject({
    strategy: Strategy.default("spread").register(SETTINGS, {
      about:
        "Which of the nodes that can take a VM gets it: spread takes the one with the largest share of memory and vcpus left, pack the one with the smallest.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, { about: "Where VMs go." }),
  node_lease: WaitMs.refine((ms) => ms >= 1000, "must be 1s at least")
    .prefault("15s").register(SETTINGS, {
      about:
        "After so much silence a node is lost and its VMs are unknown. They run on.",
    }),
  takeover_margin: WaitMs.refine((ms) => ms >= 3000, "must be 3s at least")
    .prefault("10s").register(SETTINGS, {
      about:
        "How long beyond its lease a lost node's VMs with --on-node-loss restart stay where they are, so that its guard has surely paused them; docs/node-loss.md.",
    }),
  drain: z.strictObject({
    parallel: z.int().min(1).max(64).default(2).register(SETTINGS, {
      about:
        "VMs that leave a node at the same time, unless --parallel says otherwise. Drains that are under way keep theirs.",
      live: true,
    }),
    per_target: z.int().min(1).max(64).default(2).register(SETTINGS, {
      about: "VMs that drains send to one node at the same time.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about: "Draining nodes (usher node drain).",
  }),
  session_ttl: DurationMs.prefault("30d").register(SETTINGS, {
    about: "How long a login lasts; those that there are keep their end.",
    live: true,
  }),
  history: z.strictObject({
    keep: DurationMs.prefault("7d").register(SETTINGS, {
      about: "How long ended operations are kept.",
      live: true,
    }),
    operations: z.int().min(100).default(20_000).register(SETTINGS, {
      about: "How many at most; some 1 KiB of memory each.",
      live: true,
    }),
    changes: z.int().min(1000).default(20_000).register(SETTINGS, {
      about:
        "Changes that are kept in memory, half a KiB each, for watchers that come back.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, { about: "What is remembered." }),
  plugin_dirs: z.array(AbsolutePath).default([]).register(SETTINGS, {
    about: "Folders in which plugins lie, beside those that ship with usher.",
    live: true,
  }),
  plugins: PluginConfigs.prefault({ users: USERS_PLUGIN }).register(SETTINGS, {
    about:
      "Plugins that are registered, by name, and for which events. Each may do what its manifest asks and is granted here; docs/plugins.md. users, which checks the controller's own accounts, is registered unless it stands here with other events, or with enabled: false; without any handler of client_authenticate nobody can log in.",
    live: true,
    written: `users:
  events: [client_authenticate, lnm_authenticate]
  grants:
    ctx: [accounts, state]`,
  }),
  recording: z.strictObject({
    keep: DurationMs.prefault("7d").register(SETTINGS, {
      about: "For so long.",
      live: true,
    }),
    size: SizeMiB.prefault("100MiB").register(SETTINGS, {
      about: "So much of them.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about: "Events are kept, to be played to a plugin with usher plugin test.",
  }),
  audit: z.strictObject({
    keep: DurationMs.prefault("365d").register(SETTINGS, {
      about: "For so long.",
      live: true,
    }),
    size: SizeMiB.prefault("256MiB").register(SETTINGS, {
      about: "So much of it, inside the database.",
      live: true,
    }),
    reads: z.boolean().default(false).register(SETTINGS, {
      about: "Whether plain reads are noted as well, which are many.",
      live: true,
    }),
  }).prefault({}).register(SETTINGS, {
    about: "The audit log: who asked what, and what was decided.",
  }),
  log: LogConfig.register(SETTINGS, { about: "The log." }),
});
/** Configuration of the controller. */
export type CtrlConfig = z.infer<typeof CtrlConfig>;
