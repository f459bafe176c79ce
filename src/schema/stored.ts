/**
 * Records that no reader of the API sees: what the controller keeps beside
 * VMs, nodes and operations.
 *
 * Secrets are kept as hashes only, so that nobody who reads the state can log
 * in or join with what stands there.
 *
 * @module
 */
import { z } from "zod";
import { NodeName } from "./name.ts";
import { ErrorCode } from "./problem.ts";
import { TokenScope } from "./token_scope.ts";

/** SHA-256 of a secret, hex. */
const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** Which handler of a plugin filed a request. */
export const Filed = z.object({
  plugin: z.string(),
  event: z.string(),
  /** The operation that the handler was called for; null when there was none. */
  operation: z.string().nullable(),
  /** The request that the handler was called for, or its operation's. */
  cause: z.string().nullable(),
  /** How many requests of plugins led to it, itself included. */
  depth: z.int().positive(),
}).readonly();
/** Which handler of a plugin filed a request. */
export type Filed = z.infer<typeof Filed>;

/** A request as it is kept: its operations carry its id. */
export const RequestRecord = z.object({
  v: z.literal(1),
  id: z.string(),
  user: z.string(),
  verb: z.string(),
  /** SHA-256 of what was asked, to tell a repeat from a clash. */
  digest: z.string(),
  count: z.int().nonnegative(),
  createdAt: z.string(),
  /** Absent when a client or usher itself asked. */
  filed: Filed.optional(),
  /** The versions of the plugins that heard it or may hear of its end: names to hashes. */
  plugins: z.record(z.string(), z.string()).optional(),
}).readonly();
/** A request as it is kept: its operations carry its id. */
export type RequestRecord = z.infer<typeof RequestRecord>;

/** A secret with which one node may join; until it did, or it expires. */
export const JoinTokenRecord = z.object({
  v: z.literal(1),
  hash: Hash,
  /** The only name that may join with it; any when null. */
  node: NodeName.nullable(),
  expiresAt: z.string(),
}).readonly();
/** A secret with which one node may join; until it did, or it expires. */
export type JoinTokenRecord = z.infer<typeof JoinTokenRecord>;

/** What a node authenticates with. */
export const NodeSecretRecord = z.object({
  v: z.literal(1),
  name: NodeName,
  hash: Hash,
}).readonly();
/** What a node authenticates with. */
export type NodeSecretRecord = z.infer<typeof NodeSecretRecord>;

/** What an account may do: all, its own VMs, or look at everything. */
export const Role = z.enum(["admin", "user", "viewer"]);
/** What an account may do: all, its own VMs, or look at everything. */
export type Role = z.infer<typeof Role>;

/** An account as it is stored. */
export const Account = z.object({
  v: z.literal(1),
  name: z.string(),
  role: Role,
  passwordHash: z.string(),
  createdAt: z.string(),
  /** Nobody gets in by its name, with a password or a token. */
  isDisabled: z.boolean().default(false),
}).readonly();
/** An account as it is stored. */
export type Account = z.infer<typeof Account>;

/** A session as it is stored; its token is not. */
export const SessionRecord = z.object({
  v: z.literal(1),
  hash: Hash,
  user: z.string(),
  /** What the check of the password gave; that of the account when null. */
  role: Role.nullable().default(null),
  /** Groups that a directory puts the user in. */
  groups: z.array(z.string()).default([]),
  /** Where the login came from; empty where an older usher did not note it. */
  address: z.string().default(""),
  createdAt: z.string(),
  expiresAt: z.string(),
}).readonly();
/** A session as it is stored; its token is not. */
export type SessionRecord = z.infer<typeof SessionRecord>;

/** An API token as it is stored; what it is called with is not. */
export const ApiTokenRecord = z.object({
  v: z.literal(1),
  id: z.string(),
  hash: Hash,
  /** The account whose rights it has at most. */
  user: z.string(),
  name: z.string(),
  scope: TokenScope,
  createdAt: z.string(),
  /** Never when null. */
  expiresAt: z.string().nullable(),
  /** To the minute; null before the first time. */
  lastUsedAt: z.string().nullable(),
}).readonly();
/** An API token as it is stored; what it is called with is not. */
export type ApiTokenRecord = z.infer<typeof ApiTokenRecord>;

/** An event that is durable and whose chain has not ended. */
export const ToldRecord = z.object({
  v: z.literal(1),
  /** Sorts in the order in which it happened. */
  id: z.string().regex(/^\d{16}$/),
  event: z.string(),
  /** As handlers get them. */
  args: z.array(z.unknown()),
  /** What it is told of in order: a VM, a node, a client. */
  lane: z.string(),
  /** Names it for handlers: the same however often it is told. */
  decision: z.string(),
  operation: z.string().nullable(),
  /** How many requests of plugins it came from. */
  depth: z.int().nonnegative(),
  at: z.string(),
}).readonly();
/** An event that is durable and whose chain has not ended. */
export type ToldRecord = z.infer<typeof ToldRecord>;

/** What a handler made of one argument: nothing, some of its keys, or another value. */
export const Edit = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("same") }),
  z.object({
    kind: z.literal("keys"),
    set: z.array(z.tuple([z.string(), z.unknown()])),
    drop: z.array(z.string()),
  }),
  z.object({ kind: z.literal("new"), value: z.unknown() }),
]);
/** What a handler made of one argument. */
export type Edit = z.infer<typeof Edit>;

/** What one handler answered, kept while its chain goes on. */
export const KeptAnswer = z.object({
  event: z.string(),
  /** The plugin, and which of its handlers of the event. */
  handler: z.string(),
  /** The plugin's version that answered. */
  hash: z.string(),
  /** By argument; null when it gave nothing back. */
  edits: z.array(Edit).nullable(),
  /** Of one that failed where that is passed over: as it was told. */
  problem: z.object({ code: ErrorCode, detail: z.string() }).nullable(),
  tookMs: z.number(),
}).readonly();
/** What one handler answered, kept while its chain goes on. */
export type KeptAnswer = z.infer<typeof KeptAnswer>;

/** The answers of a decision that has not come to its end. */
export const AnswersRecord = z.object({
  v: z.literal(1),
  decision: z.string(),
  /** What was asked and by whom, hashed: they hold for nothing else. */
  bond: z.string(),
  /** The versions of plugins that the decision began with. */
  plugins: z.record(z.string(), z.string()),
  answers: z.array(KeptAnswer),
  /** When it was written. */
  at: z.string(),
}).readonly();
/** The answers of a decision that has not come to its end. */
export type AnswersRecord = z.infer<typeof AnswersRecord>;

/** A value that a plugin keeps under a key of its own. */
export const PluginValue = z.object({
  v: z.literal(1),
  plugin: z.string(),
  key: z.string(),
  value: z.json(),
}).readonly();
/** A value that a plugin keeps under a key of its own. */
export type PluginValue = z.infer<typeof PluginValue>;

/** How far the clock of a registration has come, so that restarts lose and repeat nothing. */
export const PluginClock = z.object({
  v: z.literal(1),
  /** Plugin, event, period or moment, and which of several that are alike. */
  id: z.string(),
  /** Of `timer`: the moment; of `periodic`: the last one that came. */
  due: z.string(),
  /** Whether the chain of that moment has ended. */
  ended: z.boolean(),
}).readonly();
/** How far the clock of a registration has come. */
export type PluginClock = z.infer<typeof PluginClock>;

/** What a plugin wants to have fired later. */
export const PluginSchedule = z.object({
  v: z.literal(1),
  plugin: z.string(),
  key: z.string(),
  at: z.string(),
  event: z.string(),
  args: z.array(z.json()),
  /** Names the firing, also when a crash makes it happen again. */
  decision: z.string(),
  depth: z.int().nonnegative(),
}).readonly();
/** What a plugin wants to have fired later. */
export type PluginSchedule = z.infer<typeof PluginSchedule>;

/** A line of the whole stored state, as a backup and a check read it. */
export const StateLine = z.discriminatedUnion("type", [
  /** First: which usher, which controller in the state's life, and when. */
  z.object({
    type: z.literal("head"),
    version: z.string(),
    epoch: z.int(),
    at: z.string(),
  }),
  z.object({
    type: z.literal("set"),
    key: z.array(z.union([z.string(), z.number()])),
    value: z.unknown(),
  }),
  /** Removes what an earlier line set. */
  z.object({
    type: z.literal("delete"),
    key: z.array(z.union([z.string(), z.number()])),
  }),
  /** Last: how many lines stand between it and the first. */
  z.object({ type: z.literal("end"), lines: z.int() }),
]);
/** A line of the whole stored state, as a backup and a check read it. */
export type StateLine = z.infer<typeof StateLine>;
