/**
 * Plugins as data: what a manifest says, what the configuration registers and
 * grants, and what is shown of a plugin that runs.
 *
 * A plugin may do what its manifest asks and the configuration grants; what is
 * granted and not asked for is not given either.
 *
 * @module
 */
import { z } from "zod";
import { AnyEventName } from "./any_event.ts";
import { Verb } from "./operation.ts";
import { SizeMiB, WaitMs } from "./quantity.ts";
import { SETTINGS } from "./setting.ts";

/** The version of the contract between usher and plugins. */
export const PLUGIN_API = 1;

/** The name of a plugin: its file's or folder's, and its key in ctrl.yaml. */
export const PluginName = z.string().regex(
  /^[a-z][a-z0-9_]{0,31}$/,
  "must begin with a letter and have lower-case letters, digits and _, 32 at most",
);
/** The name of a plugin. */
export type PluginName = z.infer<typeof PluginName>;

/** What `ctx` may be asked for. Append only. */
export const CAPABILITIES = {
  vms: "read VMs",
  nodes: "read nodes",
  usage: "read what VMs and nodes use",
  clusters: "read clusters",
  history: "read ended operations and past states of VMs and nodes",
  fire: "fire events that it declares",
  requests: "file requests, of the granted verbs on the granted VMs",
  state: "keep small values of its own",
  schedule: "have an event of its own fired later",
  accounts: "check passwords and node secrets against the controller's records",
} as const;
/** What `ctx` may be asked for. */
export const Capability = z.enum(
  Object.keys(CAPABILITIES) as [
    keyof typeof CAPABILITIES,
    ...(keyof typeof CAPABILITIES)[],
  ],
);
/** What `ctx` may be asked for. */
export type Capability = z.infer<typeof Capability>;

/** What a worker may be permitted: a list of things, or `true` for all of a kind. */
const Allowed = z.union([
  z.literal(true),
  z.array(z.string().min(1).max(4096)),
]);

/** Deno's permissions that can be asked for and granted; `ffi` cannot be. */
export const PermissionSet = z.strictObject({
  net: Allowed.optional().register(SETTINGS, {
    about:
      "Where it may connect to: host, or host:port; unix sockets are not to be had.",
    live: true,
    example: "[dns.example.org:53]",
  }),
  read: Allowed.optional().register(SETTINGS, {
    about: "Paths that it may read.",
    live: true,
    example: "[/etc/hosts]",
  }),
  write: Allowed.optional().register(SETTINGS, {
    about: "Paths that it may write.",
    live: true,
    example: "[/srv/files]",
  }),
  env: Allowed.optional().register(SETTINGS, {
    about: "Variables of the environment that it may read.",
    live: true,
    example: "[LDAP_PASSWORD]",
  }),
  sys: Allowed.optional().register(SETTINGS, {
    about: "Facts of the machine that it may read, by their names in Deno.",
    live: true,
    example: "[hostname]",
  }),
  run: z.array(z.string().min(1).max(4096)).optional().register(SETTINGS, {
    about: "Programs that it may run. What runs one has left the sandbox.",
    live: true,
    example: "[/usr/bin/nsupdate]",
  }),
});
/** Deno's permissions that can be asked for and granted. */
export type PermissionSet = z.infer<typeof PermissionSet>;

/** What a plugin says of itself, exported as `manifest`. */
export const Manifest = z.strictObject({
  name: PluginName,
  version: z.string().min(1).max(64),
  /** The contract that it is written for. */
  api: z.literal(PLUGIN_API),
  author: z.string().max(200).default(""),
  description: z.string().max(1000).default(""),
  /** Permissions of its worker that it asks for. */
  permissions: PermissionSet.default({}),
  /** What it asks of `ctx`; the log is always there. */
  ctx: z.array(Capability).default([]),
  /** Verbs of the requests that it files. */
  verbs: z.array(Verb).default([]),
  /** Events that it declares and fires: name to what it means. */
  events: z.record(AnyEventName, z.string().min(1).max(500)).default({}),
});
/** What a plugin says of itself. */
export type Manifest = z.infer<typeof Manifest>;
/** A manifest as a plugin writes it. */
export type ManifestInput = z.input<typeof Manifest>;

/** Why a handler is called: one event, in one place of its chain. */
export const EventRegistration = z.strictObject({
  event: AnyEventName.clone().register(SETTINGS, {
    about: "The event's name; docs/events.md has them all.",
    live: true,
    type: "name of an event",
  }),
  order: z.number().optional().register(SETTINGS, {
    about:
      "Lower ones first; those without one last, in the order of registration.",
    live: true,
  }),
  period: z.union([
    z.string().regex(
      /^\S+(\s+\S+){4}$/,
      "must be a duration such as 5m, or five fields of cron",
    ),
    WaitMs.refine((ms) => ms >= 1000, "must be 1s at least"),
  ]).optional().register(SETTINGS, {
    about:
      "Of periodic: a duration such as 5m, or five fields of cron(8), in UTC.",
    live: true,
    type: "duration, or fields of cron",
  }),
  when: z.string().max(64).optional().register(SETTINGS, {
    about: "Of timer: a moment (ISO 8601), or +30s after the plugin begins.",
    live: true,
    type: "moment, or +duration",
  }),
  deadline: WaitMs.optional().register(SETTINGS, {
    about: "How long the handler may take; the event's default when absent.",
    live: true,
  }),
  options: z.record(z.string(), z.unknown()).optional().register(SETTINGS, {
    about: "Over the plugin's own options, for this registration alone.",
    live: true,
  }),
});
/** Why a handler is called. */
export type EventRegistration = z.infer<typeof EventRegistration>;

/** What an administrator grants. */
export const Grants = z.strictObject({
  ...PermissionSet.shape,
  ctx: z.array(Capability).default([]).register(SETTINGS, {
    about: "What it may ask the controller for; docs/plugins.md.",
    live: true,
    type: "list of names",
  }),
  verbs: z.array(Verb).default([]).register(SETTINGS, {
    about: "Verbs of the requests that it may file.",
    live: true,
    type: "list of verbs",
  }),
  vms: z.array(z.string().min(1).max(200)).default(["*.*.*"]).register(
    SETTINGS,
    { about: "Patterns of the VMs that those may name.", live: true },
  ),
});
/** What an administrator grants. */
export type Grants = z.infer<typeof Grants>;

/** Bounds of one plugin; whoever passes one is ended and started anew. */
export const PluginLimits = z.strictObject({
  memory: SizeMiB.prefault("256MiB").register(SETTINGS, {
    about: "Memory of its process.",
    live: true,
  }),
  cpu: z.number().positive().max(64).default(1).register(SETTINGS, {
    about: "Processors, on average over ten seconds.",
    live: true,
    type: "number above 0, 64 at most",
  }),
  start: WaitMs.prefault("10s").register(SETTINGS, {
    about: "How long it may take to start.",
    live: true,
  }),
  message: SizeMiB.prefault("4MiB").register(SETTINGS, {
    about: "The largest value that it may give back or ask with.",
    live: true,
  }),
  rate: z.int().min(1).default(2000).register(SETTINGS, {
    about: "Asks and log lines a second.",
    live: true,
  }),
});
/** Bounds of one plugin. */
export type PluginLimits = z.infer<typeof PluginLimits>;

/** What the kernel can hold the process of a plugin to, in a control group. */
export const GroupController = z.enum(["memory", "cpu", "pids"]);
/** What the kernel can hold the process of a plugin to, in a control group. */
export type GroupController = z.infer<typeof GroupController>;

/** A plugin in ctrl.yaml. */
export const PluginConfig = z.strictObject({
  enabled: z.boolean().default(true).register(SETTINGS, {
    about: "Whether it runs; usher plugin enable and disable go over it.",
    live: true,
  }),
  path: z.string().startsWith("/").optional().register(SETTINGS, {
    about: "Its file or folder, where it is not found by its name.",
    live: true,
    type: "absolute path",
  }),
  events: z.array(z.union([
    AnyEventName.transform((event): EventRegistration => ({ event })),
    EventRegistration,
  ])).default([]).register(SETTINGS, {
    about:
      "The events that it is registered for: names, or names with what follows.",
    type: "list of events",
    live: true,
  }),
  options: z.record(z.string(), z.unknown()).default({}).register(SETTINGS, {
    about:
      "Its own options, checked by its own schema; usher plugin check shows them.",
    live: true,
  }),
  grants: Grants.prefault({}).register(SETTINGS, {
    about: "What it may do of what its manifest asks for.",
    live: true,
  }),
  limits: PluginLimits.prefault({}).register(SETTINGS, {
    about: "Its bounds; what passes one is ended and started anew.",
    live: true,
  }),
  shadow: z.string().startsWith("/").optional().register(SETTINGS, {
    about: "Runs beside the live one and is only compared: a file or folder.",
    live: true,
    type: "absolute path",
  }),
});
/** A plugin in ctrl.yaml. */
export type PluginConfig = z.infer<typeof PluginConfig>;

/** What checks passwords when the configuration does not say. */
export const USERS_PLUGIN = {
  events: ["client_authenticate", "lnm_authenticate"],
  grants: { ctx: ["accounts", "state"] },
};

/** All plugins in ctrl.yaml, by name; `users` is registered unless it says otherwise. */
export const PluginConfigs = z.preprocess(
  (given) =>
    typeof given === "object" && given !== null && !Array.isArray(given)
      ? { users: USERS_PLUGIN, ...given }
      : given ?? { users: USERS_PLUGIN },
  z.record(PluginName, PluginConfig),
);

/** How a circuit stands: `open` lets no call through. */
export const CircuitState = z.enum(["closed", "open", "trying"]);
/** How a circuit stands. */
export type CircuitState = z.infer<typeof CircuitState>;

/** What is known of one registration's calls since the controller started. */
export const RegistrationView = z.object({
  event: AnyEventName,
  order: z.number().nullable(),
  calls: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  refusals: z.int().nonnegative(),
  /** Milliseconds; null before the first call. */
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  lastError: z.string().nullable(),
  circuit: CircuitState,
  /** Of `periodic` and `timer`: how often its time came while it still ran. */
  skipped: z.int().nonnegative().default(0),
  lastSkippedAt: z.string().nullable().default(null),
  /** The plugin's own options, with those of this registration over them. */
  options: z.record(z.string(), z.unknown()).default({}),
});
/** What is known of one registration's calls. */
export type RegistrationView = z.infer<typeof RegistrationView>;

/** A plugin that runs beside the live one and is only compared. */
export const ShadowView = z.object({
  path: z.string(),
  hash: z.string(),
  /** When it ends at the latest; null for one that lasts until plugins are read anew. */
  until: z.string().nullable().default(null),
  /** Calls of both that were compared. */
  compared: z.int().nonnegative(),
  /** Of those, how many came to something else. */
  different: z.int().nonnegative(),
  /** Calls that were left out, since it was behind. */
  skipped: z.int().nonnegative(),
  /** The newest differences, each in a line. */
  last: z.array(z.string()),
});
/** A plugin that runs beside the live one and is only compared. */
export type ShadowView = z.infer<typeof ShadowView>;

/** A plugin as the API shows it. */
export const PluginView = z.object({
  name: PluginName,
  /** `available`: found, and not registered; `failed`: it does not start. */
  state: z.enum(["running", "starting", "failed", "disabled", "available"]),
  /** Why it is in this state; empty when there is nothing to say. */
  reason: z.string(),
  manifest: Manifest.nullable(),
  /** Where it was found; `built in` for one that ships. */
  path: z.string(),
  /** SHA-256 of all its files, hex. */
  hash: z.string(),
  /** The process that runs it; null when none does. */
  pid: z.int().nullable(),
  memoryMiB: z.number().nullable(),
  /** What it is held to; null for one that is not in the configuration. */
  limits: PluginLimits.nullable().default(null),
  /** What of that the kernel keeps; the rest is looked at from outside. */
  heldByKernel: z.array(GroupController).default([]),
  restarts: z.int().nonnegative(),
  registrations: z.array(RegistrationView),
  options: z.record(z.string(), z.unknown()),
  /** What it asks and is granted; and what it asks and is not. */
  granted: PermissionSet.extend({ ctx: z.array(Capability) }),
  denied: z.array(z.string()),
  /** What the configuration grants, asked for or not; null for one that is not in it. */
  grants: Grants.nullable().default(null),
  /** What turned it on or off: the configuration, or an administrator over it. */
  switched: z.object({
    by: z.string(),
    at: z.string(),
    enabled: z.boolean(),
  }).nullable().default(null),
  /** How the one that runs beside it answers; null when none does. */
  shadow: ShadowView.nullable().default(null),
  /** What its options may be, as JSON Schema; null when it was not read. */
  optionsSchema: z.record(z.string(), z.unknown()).nullable().default(null),
});
/** A plugin as the API shows it. */
export type PluginView = z.infer<typeof PluginView>;
