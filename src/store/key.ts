/**
 * Every key shape of the controller's state, in one place, beside the limits
 * of Deno KV that they must respect (key 2 KiB, value 64 KiB, 1,000 mutations
 * and 800 KiB in one atomic write).
 *
 * No record holds a list that grows with the number of VMs.
 *
 * @module
 */
import type { Key } from "./store.ts";

/** Limits of one atomic write, kept a little below what Deno KV allows. */
export const LIMITS = {
  mutations: 900,
  bytes: 700 * 1024,
  valueBytes: 64 * 1024,
  keyBytes: 2000,
} as const;

/** The first part of the store's own keys, which no commit may name. */
export const STORE_PREFIX = "store";

/** Keys of what the store keeps for itself; `list` never shows them. */
export const storeKeys = {
  /** Who may write; every atomic write checks that it has not changed. */
  holder: (): Key => [STORE_PREFIX, "holder"],
  /** Until when the holder may be expected to live; for a remote database. */
  lease: (): Key => [STORE_PREFIX, "lease"],
  /** Number of the last write; tells whether an interrupted one happened. */
  sequence: (): Key => [STORE_PREFIX, "sequence"],
  /** The one large commit that is durable and may not be in place yet. */
  staged: (): Key => [STORE_PREFIX, "staged"],
  /** Parts of large commits, by commit and number. */
  part: (id: string, index: number): Key => [STORE_PREFIX, "part", id, index],
  parts: (): Key => [STORE_PREFIX, "part"],
} as const;

/** Keys of the controller's records. */
export const keys = {
  meta: (name: string): Key => ["meta", name],
  vm: (uid: string): Key => ["vm", uid],
  vms: (): Key => ["vm"],
  node: (name: string): Key => ["node", name],
  nodes: (): Key => ["node"],
  /** What a node authenticates with, hashed. */
  nodeSecret: (name: string): Key => ["node-secret", name],
  nodeSecrets: (): Key => ["node-secret"],
  joinToken: (id: string): Key => ["join-token", id],
  joinTokens: (): Key => ["join-token"],
  request: (id: string): Key => ["request", id],
  requests: (): Key => ["request"],
  operation: (id: string): Key => ["operation", id],
  operations: (): Key => ["operation"],
  nodeOperation: (id: string): Key => ["node-operation", id],
  nodeOperations: (): Key => ["node-operation"],
  /** A user's cluster, `cluster.user`. */
  cluster: (name: string): Key => ["cluster", name],
  clusters: (): Key => ["cluster"],
  /** What an administrator allows a user, or a cluster. */
  quota: (subject: string): Key => ["quota", subject],
  quotas: (): Key => ["quota"],
  /** What is durable and has not been told yet; in the order of its ids. */
  told: (id: string): Key => ["told", id],
  allTold: (): Key => ["told"],
  /** What handlers have answered to a decision that has not come to its end. */
  answers: (decision: string): Key => ["answers", decision],
  allAnswers: (): Key => ["answers"],
  /** A client that is connected, while somebody is told of its end. */
  connection: (id: string): Key => ["connection", id],
  connections: (): Key => ["connection"],
  /** What an administrator turned on or off over the configuration. */
  pluginSwitch: (name: string): Key => ["plugin-switch", name],
  pluginSwitches: (): Key => ["plugin-switch"],
  /** Records of the audit log: by the hour that they are filed under, and the first of their numbers. */
  auditBlock: (hour: string, seq: number): Key => ["audit", hour, seq],
  auditHour: (hour: string): Key => ["audit", hour],
  auditBlocks: (): Key => ["audit"],
  account: (name: string): Key => ["account", name],
  accounts: (): Key => ["account"],
  session: (hash: string): Key => ["session", hash],
  sessions: (): Key => ["session"],
  apiToken: (id: string): Key => ["api-token", id],
  apiTokens: (): Key => ["api-token"],
  /** A value that a plugin keeps. */
  pluginValue: (plugin: string, key: string): Key => [
    "plugin-value",
    plugin,
    key,
  ],
  pluginValues: (): Key => ["plugin-value"],
  /** How far the clock of a registration has come. */
  pluginClock: (id: string): Key => ["plugin-clock", id],
  pluginClocks: (): Key => ["plugin-clock"],
  /** What a plugin wants to have fired later. */
  pluginSchedule: (plugin: string, key: string): Key => [
    "plugin-schedule",
    plugin,
    key,
  ],
  pluginSchedules: (): Key => ["plugin-schedule"],
} as const;
