/**
 * What is said between the controller, the process of a plugin, and the worker
 * in it.
 *
 * Nothing is loaded for it: it is in the process of every plugin.
 *
 * The process reads prefixes alone. What a worker says is a body that only
 * the controller reads, and believes nothing of: it can name only calls of its
 * own plugin, since the process tells by itself which worker has spoken.
 *
 * @module
 */
import type { Problem } from "../../schema/problem.ts";
import type { SiteValue } from "../../schema/event_value.ts";
import type { PermissionSet } from "../../schema/plugin.ts";
import type { LineLevel } from "../handler_context.ts";
import type { InstanceReason } from "./instance.ts";
import type { WorkerPermissions } from "../files/permission.ts";

/** The most calls of one frame. */
export const MAX_CALLS = 100_000;
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

/** The kinds of frames to the process. */
export const TO_HOST = {
  /** Starts worker `number`; the body is a `WorkerSpec`. */
  start: 1,
  /** The body is for the worker; the calls in it end by themselves in time. */
  body: 2,
  stop: 3,
  /** `number` is the question that the answer names. */
  ping: 4,
} as const;

/** The kinds of frames from the process. */
export const FROM_HOST = {
  /** The worker has loaded its plugin, or could not; the body is a `GuestReport`. */
  up: 1,
  /** The body is from the worker. */
  body: 2,
  /** The worker's calls named took too long. */
  late: 3,
  /** The worker is no more, and with it all its calls; the body says why. */
  down: 4,
  pong: 5,
} as const;

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

/** What a worker says; the parts of a body. */
export type FromGuest =
  | readonly ["done", call: number, args: readonly unknown[] | null]
  | readonly ["refused", call: number, reason: string, hint: string | null]
  | readonly ["threw", call: number, text: string]
  | readonly ["ask", ask: number, call: number, name: string, params: unknown]
  | readonly [
    "log",
    call: number | null,
    level: LineLevel,
    text: string,
    fields: Readonly<Record<string, unknown>>,
  ];

/** A body of parts that are JSON already. */
export function textOf(parts: readonly string[]): string {
  return `[${parts.join(",")}]`;
}

/**
 * What a worker posts to its process. Text is a body, behind the calls that it
 * ends: a text crosses the border of a worker in half the time of anything else.
 */
export type GuestSign =
  | `${string}|${string}`
  /** Loaded, or not: JSON of a `GuestReport`. */
  | { readonly up: string }
  | { readonly pong: number };

/** What a process posts to its worker. Text is a body. */
export type HostSign =
  | string
  | { readonly start: WorkerSpec }
  | { readonly ping: number };
