/**
 * The types that a plugin is written against, imported as types only
 * (`import type { … } from "@usher/plugin"`): at run time a plugin imports
 * nothing, and gets `definePlugin` and `z` handed in.
 *
 * ```ts
 * import type { Manifest, Plugin, PluginTools } from "@usher/plugin";
 *
 * export const manifest: Manifest = { name: "hello", version: "1.0.0", api: 1 };
 *
 * export default ({ definePlugin, z }: PluginTools): Plugin =>
 *   definePlugin({
 *     options: z.strictObject({ greeting: z.string().default("hello") }),
 *     handlers: {
 *       register([vm], ctx) {
 *         ctx.log.info(`${ctx.options.greeting}, ${vm.name}`);
 *       },
 *       start_request([request], ctx) {
 *         if (request.vms.length > 20) ctx.refuse("20 VMs at most at a time");
 *         return [{ ...request, args: { ...request.args, seen: "yes" } }];
 *       },
 *     },
 *   });
 * ```
 *
 * The default function is called once for each registration, so what it keeps
 * in its closure belongs to that registration alone. Calls for one VM come one
 * after another; those for different VMs may overlap where a handler awaits.
 *
 * @module
 */
import type { z } from "zod";
import type { NodeView, VmView } from "../schema/change.ts";
import type { EventArgs, EventName } from "../schema/event.ts";
import type { Cluster, SiteValue } from "../schema/event_value.ts";
import type { NodeUsage } from "../schema/node.ts";
import type { Operation } from "../schema/operation.ts";
import type { ManifestInput } from "../schema/plugin.ts";
import type { SizeMiB, WaitMs } from "../schema/quantity.ts";
import type { VmRequestInput } from "../schema/request.ts";
import type { Role } from "../schema/stored.ts";
import type { VmUsage } from "../schema/vm.ts";

export type { EventArgs, EventName } from "../schema/event.ts";
export type * from "../schema/event_value.ts";
export type { Node, NodeUsage } from "../schema/node.ts";
export type { Operation } from "../schema/operation.ts";
export type { Problem } from "../schema/problem.ts";
export type { Vm, VmSpec, VmUsage } from "../schema/vm.ts";
export type { NodeView, VmView };

/** What a plugin says of itself: `export const manifest: Manifest = …`. */
export type Manifest = ManifestInput;

/** JSON: all that can cross the border of a plugin. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What the default function of a plugin is given. */
export interface PluginTools {
  /** zod, for the options. */
  readonly z: typeof z;
  /** Schema of a duration as people write it, such as `30s`: milliseconds. */
  readonly duration: typeof WaitMs;
  /** Schema of a size as people write it, such as `4GiB`: MiB. */
  readonly size: typeof SizeMiB;
  /**
   * A test of text by a pattern: `*` for any text, `?` for one character, `[a-c]`
   * for a set. Throws when it cannot be read.
   */
  glob(pattern: string): (text: string) => boolean;
  /**
   * A test of VMs' full names, as commands read their words: `web*` means VMs of
   * any cluster, `web*.lab` of those named lab, `*.lab.ann` of one.
   */
  vmPattern(pattern: string): (name: string) => boolean;
  /** Why this instance is there: one event, in one place of its chain. */
  readonly registration: {
    readonly event: string;
    readonly order: number | null;
  };
  definePlugin<O extends z.ZodType>(definition: PluginDefinition<O>): Plugin;
}

/** What a handler may give back: the same arguments, changed or not, or nothing. */
export type HandlerAnswer<A> = A | void | Promise<A | void>;

/** The handlers of a plugin, by event. */
export type Handlers<Options> =
  & {
    readonly [E in EventName]?: (
      args: EventArgs<E>,
      ctx: PluginContext<Options>,
    ) => HandlerAnswer<EventArgs<E>>;
  }
  & {
    /** For every event that has no handler of its own; `ctx.event` tells which. */
    readonly "*"?: (
      // deno-lint-ignore no-explicit-any -- the arguments of any event
      args: any[],
      ctx: PluginContext<Options>,
    ) => HandlerAnswer<unknown[]>;
    /** Events that plugins declare. */
    readonly [event: string]:
      // deno-lint-ignore no-explicit-any -- the arguments of any event
      | ((args: any, ctx: PluginContext<Options>) => HandlerAnswer<any>)
      | undefined;
  };

/** A plugin: its options and its handlers. */
export interface PluginDefinition<O extends z.ZodType = z.ZodType> {
  /** What its `options` in ctrl.yaml must be; nothing may stand there when absent. */
  readonly options?: O;
  readonly handlers: Handlers<z.output<O>>;
}

/** What `definePlugin` gives and the default function returns. */
// deno-lint-ignore no-explicit-any -- options of any shape
export type Plugin = PluginDefinition<any>;

/** What a handler is given beside its arguments. */
export interface PluginContext<Options = unknown> {
  readonly event: string;
  readonly options: Options;
  readonly site: SiteValue;
  /** Stays the same when this very call is made again after a crash. */
  readonly decision: string;
  /** The operation that this is about; null where there is none. */
  readonly operation: string | null;
  /**
   * Whether this is a trial: a plan, or recorded events that are played. What
   * is filed, fired or kept through `ctx` then goes nowhere; what a plugin does
   * by itself, at a server or on disk, it must leave undone.
   */
  readonly isReplay: boolean;
  /** Aborts when the deadline of the call is over. */
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  /** Refuses the request, or the credentials, for a reason that its user is told. */
  refuse(reason: string, hint?: string): never;
  /** Capability `vms`: the VMs that are granted, 10,000 at a time at most. */
  readonly vms: {
    list(filter?: VmFilter): Promise<VmView[]>;
    get(name: string): Promise<VmView | null>;
    /**
     * Whether a request, by its `id`, may still make VMs: its chains, or the
     * write that makes them known, have not ended. What was prepared for one that is
     * not awaited, and whose VMs are not there at a look after that, is for nobody.
     */
    isAwaited(request: string): Promise<boolean>;
  };
  /** Capability `nodes`. */
  readonly nodes: {
    list(): Promise<NodeView[]>;
    get(name: string): Promise<NodeView | null>;
  };
  /** Capability `usage`. */
  readonly usage: {
    /** By full name; VMs of which nothing is known are left out. */
    vms(filter?: VmFilter): Promise<Record<string, VmUsage>>;
    nodes(): Promise<Record<string, NodeUsage>>;
  };
  /** Capability `clusters`. */
  readonly clusters: {
    list(): Promise<Cluster[]>;
    get(name: string): Promise<Cluster | null>;
  };
  /**
   * Capability `history`; newest first. States and usage are known since the
   * controller started: the last 100,000 states of the whole site, and usage of
   * a day by the minute where there are 5,000 VMs, or of nine hours, older than
   * the last half by quarters of an hour, where there are 100,000.
   */
  readonly history: {
    operations(filter?: HistoryFilter): Promise<Operation[]>;
    /** Past states of a VM: what it was, when, and why. */
    vm(name: string, limit?: number): Promise<PastState[]>;
    node(name: string, limit?: number): Promise<PastState[]>;
    /** Usage of a VM or node since a moment (ms since 1970), oldest first. */
    usage(name: string, sinceMs: number): Promise<UsageSample[]>;
  };
  /**
   * Capability `fire`: an event that the manifest declares. Its chain is not
   * waited for. Fired again in the same call with the same arguments it has
   * the same decision.
   */
  fire(event: string, args: readonly Json[]): Promise<void>;
  /**
   * Capability `requests`. Queued as a child of the operation that this call is
   * about, and never waited for; answers the request's id. Filed again in the
   * same call under the same `key`, or with the same content where there is
   * none, it is the same request. Names must be full ones. `why` is for people: it
   * stands in the trail of each of its operations.
   */
  request(
    request: VmRequestInput,
    key?: string,
    why?: string,
  ): Promise<string>;
  /**
   * Capability `state`: JSON values of 62 KiB at most under keys of 512 bytes,
   * 100,000 keys and 32 MiB in all; durable when it resolves. Null is the same
   * as no value.
   */
  readonly state: {
    get(key: string): Promise<Json>;
    set(key: string, value: Json): Promise<void>;
    delete(key: string): Promise<void>;
    /** Keys that begin with `prefix`, and their values, in order. */
    list(prefix?: string): Promise<{ key: string; value: Json }[]>;
    /** Sets each key, or none when one of them is not what `expect` says. */
    commit(
      changes: readonly { key: string; value: Json }[],
      expect?: readonly { key: string; value: Json }[],
    ): Promise<boolean>;
  };
  /**
   * Capability `schedule`: fires an event of its own, once, also over restarts
   * and when its time passes meanwhile; again under the same decision when its
   * chain was cut off. 1,000 of a plugin wait at most.
   */
  readonly schedule: {
    /** `when`: ISO 8601, or milliseconds from now. The same `key` again replaces it. */
    at(
      when: string | number,
      event: string,
      args: readonly Json[],
      key?: string,
    ): Promise<void>;
    cancel(key: string): Promise<void>;
  };
  /** Capability `accounts`. */
  readonly accounts: {
    /** Whether this is the account's password, and the account's role. */
    check(
      name: string,
      password: string,
    ): Promise<{ valid: boolean; role: Role | null }>;
    /** Whether this is the secret that the node was given when it joined. */
    checkNode(name: string, secret: string): Promise<{ valid: boolean }>;
  };
}

/** Which VMs are read; all that are granted when empty. */
export interface VmFilter {
  /** A name or pattern. */
  readonly name?: string;
  readonly node?: string;
  readonly state?: string;
  /** Only VMs whose full names come after this one: the last of the page before. */
  readonly after?: string;
  /** At most so many, the first by name; without it more than 10,000 are refused. */
  readonly limit?: number;
}

/** Which ended operations are read. */
export interface HistoryFilter {
  readonly vm?: string;
  readonly verb?: string;
  readonly limit?: number;
}

/** One state that something had. */
export interface PastState {
  readonly at: string;
  readonly state: string;
  readonly reason: string;
  readonly node: string | null;
}

/** What something used at one moment. */
export interface UsageSample {
  readonly at: string;
  /** Processors busy. */
  readonly cpu: number | null;
  readonly memoryMiB: number | null;
}

/** The log of the controller, with the plugin's name on each line. */
export interface PluginLog {
  debug(text: string, fields?: Readonly<Record<string, Json>>): void;
  info(text: string, fields?: Readonly<Record<string, Json>>): void;
  warn(text: string, fields?: Readonly<Record<string, Json>>): void;
  error(text: string, fields?: Readonly<Record<string, Json>>): void;
}
