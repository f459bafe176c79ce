/**
 * What is said between the controller, the process of a plugin, and the worker
 * in it.
 *
 * The process reads the heads alone. What a worker says is a body that only
 * the controller reads, and believes nothing of: it can name only calls of its
 * own plugin, since the process tells by itself which worker has spoken.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "../../schema/problem.ts";
import type { SiteValue } from "../../schema/event_value.ts";
import type { PermissionSet } from "../../schema/plugin.ts";
import type { InstanceReason } from "./instance.ts";
import type { WorkerPermissions } from "../files/permission.ts";

/** The longest head of a frame. */
export const MAX_HEAD = 8 * 1024 * 1024;
/** What a body may be longer than the largest value of a plugin: many small ones travel together. */
export const BODY_ROOM = 1024 * 1024;

/** The first line on the standard input of a plugin's process. */
export interface Invitation {
  /** The socket to connect to, and what to say there first. */
  readonly socket: string;
  readonly secret: string;
  /** The controller's version: its file may have been replaced by another. */
  readonly version: string;
}

/** A worker that is to be started. */
export interface WorkerSpec {
  /** The entry of the plugin, as a URL. */
  readonly entry: string;
  readonly permissions: WorkerPermissions;
  readonly kinds: readonly (keyof PermissionSet)[];
  readonly site: SiteValue;
  /** What it is for; null where it is only read. */
  readonly registrations: readonly RegistrationSpec[];
  /** It is only asked what it is, and does nothing. */
  readonly isRead: boolean;
  /** The largest value that it may give back or ask with. */
  readonly maxBytes: number;
  /** Lines and asks a second; what is more goes no further than its worker. */
  readonly rate: number;
}

/** One registration of a worker's plugin. */
export interface RegistrationSpec extends InstanceReason {
  readonly options: unknown;
}

/** Heads to the process. */
export type ToHost =
  | {
    readonly type: "start";
    readonly worker: number;
    readonly spec: WorkerSpec;
  }
  /** The body is for the worker; `calls` in it end by themselves after so many ms. */
  | {
    readonly type: "to";
    readonly worker: number;
    readonly calls: readonly (readonly [id: number, ms: number])[];
  }
  | { readonly type: "stop"; readonly worker: number }
  | { readonly type: "ping"; readonly id: number };

/** Heads from the process. */
export const FromHost = z.discriminatedUnion("type", [
  /** A worker has loaded its plugin, or could not. */
  z.object({ type: z.literal("up"), worker: z.int(), report: z.string() }),
  /** The body is from the worker. */
  z.object({ type: z.literal("from"), worker: z.int() }),
  /** These calls took too long. */
  z.object({
    type: z.literal("late"),
    worker: z.int(),
    calls: z.array(z.int()).max(100_000),
  }),
  /** A worker is no more, and with it all its calls. */
  z.object({
    type: z.literal("down"),
    worker: z.int(),
    why: z.string().max(10_000),
  }),
  z.object({ type: z.literal("pong"), id: z.int() }),
]);
/** Heads from the process. */
export type FromHost = z.infer<typeof FromHost>;

/** What a worker is told; the parts of a body. */
export type ToGuest =
  | readonly [
    "call",
    id: number,
    registration: number,
    event: string,
    args: readonly unknown[],
    decision: string,
    operation: string | null,
    isReplay: boolean,
    deadlineMs: number,
  ]
  | readonly ["asked", ask: number, answer: unknown]
  | readonly ["denied", ask: number, problem: Problem];

const Id = z.int().nonnegative();
const Text = z.string();

/** What a worker says; the parts of a body. */
export const FromGuest = z.union([
  z.tuple([z.literal("done"), Id, z.array(z.unknown()).nullable()]),
  z.tuple([z.literal("refused"), Id, Text, Text.nullable()]),
  z.tuple([z.literal("threw"), Id, Text]),
  z.tuple([z.literal("ask"), Id, Id, Text, z.unknown()]),
  z.tuple([
    z.literal("log"),
    Id.nullable(),
    z.enum(["debug", "info", "warn", "error"]),
    Text,
    z.record(z.string(), z.unknown()),
  ]),
]);
/** What a worker says; the parts of a body. */
export type FromGuest = z.infer<typeof FromGuest>;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** The parts of a body from a worker. Throws for one that no guest of usher's would send. */
export function readBody(body: Uint8Array): FromGuest[] {
  const parts: unknown = JSON.parse(decoder.decode(body));
  if (!Array.isArray(parts)) throw new Error("A body is no list");
  for (const part of parts) {
    if (!isDone(part) && !FromGuest.safeParse(part).success) {
      throw new Error("A part of a body is none");
    }
  }
  return parts;
}

/** By far the most parts, looked at without a schema. */
function isDone(part: unknown): boolean {
  return Array.isArray(part) && part.length === 3 && part[0] === "done" &&
    Number.isSafeInteger(part[1]) &&
    (part[2] === null || Array.isArray(part[2]));
}

/** A body of parts that are JSON already. */
export function bodyOf(parts: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(textOf(parts));
}

/**
 * The same as text. So it crosses the border of a worker: that takes half as
 * long as handing over bytes, which are set up anew on either side.
 */
export function textOf(parts: readonly string[]): string {
  return `[${parts.join(",")}]`;
}

/** What a worker posts to its process, beside bodies: an answer to a question of life. */
export interface GuestSign {
  readonly pong?: number;
  /** Loaded, or not: JSON of a `GuestReport`. */
  readonly up?: string;
  /** Calls that a body ends. */
  readonly done?: readonly number[];
  readonly body?: string;
}

/** What its process posts to a worker. */
export type HostSign =
  | { readonly start: WorkerSpec }
  | { readonly body: string }
  | { readonly ping: number };
