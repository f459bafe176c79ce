/**
 * What handlers ask of the controller through `ctx`: the names, what goes with
 * each, and who must have been granted what.
 *
 * The controller checks every one of them anew: what comes out of a worker may
 * be anything.
 *
 * @module
 */
import { z } from "zod";
import type { Capability } from "../schema/plugin.ts";
import { VmRequest } from "../schema/request.ts";

const Key = z.string().min(1).max(512);
const Json = z.json();

/** Which VMs are read. */
const VmFilter = z.strictObject({
  name: z.string().max(200).optional(),
  node: z.string().max(63).optional(),
  state: z.string().max(32).optional(),
  after: z.string().max(200).optional(),
  limit: z.int().min(1).max(10_000).optional(),
});

interface AskKind {
  /** What must be asked and granted; null for what everybody may. */
  readonly needs: Capability | null;
  readonly params: z.ZodType;
}

/** Every ask, by name. */
export const ASKS = {
  "vms.list": {
    needs: "vms",
    params: VmFilter,
  },
  "vms.get": { needs: "vms", params: z.strictObject({ name: z.string() }) },
  "vms.isAwaited": {
    needs: "vms",
    params: z.strictObject({ request: z.string().max(64) }),
  },
  "nodes.list": { needs: "nodes", params: z.strictObject({}) },
  "nodes.get": { needs: "nodes", params: z.strictObject({ name: z.string() }) },
  "usage.vms": { needs: "usage", params: VmFilter },
  "usage.nodes": { needs: "usage", params: z.strictObject({}) },
  "clusters.list": { needs: "clusters", params: z.strictObject({}) },
  "clusters.get": {
    needs: "clusters",
    params: z.strictObject({ name: z.string() }),
  },
  "history.operations": {
    needs: "history",
    params: z.strictObject({
      vm: z.string().optional(),
      verb: z.string().optional(),
      limit: z.int().min(1).max(10_000).optional(),
    }),
  },
  "history.vm": {
    needs: "history",
    params: z.strictObject({
      name: z.string(),
      limit: z.int().min(1).max(10_000).optional(),
    }),
  },
  "history.node": {
    needs: "history",
    params: z.strictObject({
      name: z.string(),
      limit: z.int().min(1).max(10_000).optional(),
    }),
  },
  "history.usage": {
    needs: "history",
    params: z.strictObject({
      name: z.string(),
      sinceMs: z.int().nonnegative(),
    }),
  },
  fire: {
    needs: "fire",
    params: z.strictObject({ event: z.string(), args: z.array(Json).max(16) }),
  },
  request: {
    needs: "requests",
    params: z.strictObject({
      request: VmRequest,
      key: Key.optional(),
      why: z.string().max(500).optional(),
    }),
  },
  "state.get": { needs: "state", params: z.strictObject({ key: Key }) },
  "state.set": {
    needs: "state",
    params: z.strictObject({ key: Key, value: Json }),
  },
  "state.delete": { needs: "state", params: z.strictObject({ key: Key }) },
  "state.list": {
    needs: "state",
    params: z.strictObject({ prefix: z.string().max(512).default("") }),
  },
  "state.commit": {
    needs: "state",
    params: z.strictObject({
      changes: z.array(z.strictObject({ key: Key, value: Json })).max(100),
      expect: z.array(z.strictObject({ key: Key, value: Json })).max(100)
        .default([]),
    }),
  },
  "schedule.at": {
    needs: "schedule",
    params: z.strictObject({
      when: z.union([z.string(), z.number().nonnegative()]),
      event: z.string(),
      args: z.array(Json).max(16),
      key: Key.optional(),
    }),
  },
  "schedule.cancel": {
    needs: "schedule",
    params: z.strictObject({ key: Key }),
  },
  "accounts.check": {
    needs: "accounts",
    params: z.strictObject({
      name: z.string().max(256),
      password: z.string().max(1024),
    }),
  },
  "accounts.checkNode": {
    needs: "accounts",
    params: z.strictObject({
      name: z.string().max(256),
      secret: z.string().max(1024),
    }),
  },
} as const satisfies Readonly<Record<string, AskKind>>;

/** The name of an ask. */
export type AskName = keyof typeof ASKS;

/** What goes with an ask, once it was checked. */
export type AskParams<N extends AskName> = z.output<(typeof ASKS)[N]["params"]>;

/** Who asks, and in which call. */
export interface Asking {
  readonly plugin: string;
  /** The number of the registration; null while the plugin is only loaded. */
  readonly registration: number;
  readonly event: string;
  readonly decision: string;
  readonly operation: string | null;
  /** How many requests of plugins this one came from: 0 for a client's. */
  readonly depth: number;
  readonly isReplay: boolean;
}

/** Answers asks. Throws `permission_denied` for what was not granted, and what the ask's own rules say. */
export interface AskAnswerer {
  answer<N extends AskName>(
    name: N,
    params: AskParams<N>,
    asking: Asking,
  ): Promise<unknown>;
}
