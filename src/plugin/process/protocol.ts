/**
 * What is said between the controller, the process of a plugin, and the worker
 * in it.
 *
 * Nothing is loaded for it: it is in the process of every plugin.
 *
 * The process starts and ends workers. Calls and answers go past it, on a line
 * that each worker has to the controller (docs/decisions/0113). What a worker
 * says there is believed for calls of its own plugin alone, since nobody else
 * can be on its line.
 *
 * @module
 */
import type { Problem } from "../../schema/problem.ts";
import type { SiteValue } from "../../schema/event_value.ts";
import type { PermissionSet } from "../../schema/plugin.ts";
import type { LineLevel } from "../handler_context.ts";
import type { InstanceReason } from "./instance.ts";
import type { WorkerPermissions } from "../files/permission.ts";

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

/** Where a worker meets the controller, and what it says there first. */
export interface LineInvitation {
  readonly socket: string;
  /** Its frames are sealed with it, too. */
  readonly secret: string;
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

/** What a process is told to start. */
export interface WorkerStart {
  readonly spec: WorkerSpec;
  readonly line: LineInvitation;
}

/** A permission that a worker has for its line alone. */
export type Lent =
  | { readonly name: "read" | "write"; readonly path: string }
  | { readonly name: "net"; readonly host: string };

/** The kinds of frames to the process. */
export const TO_HOST = {
  /** Starts worker `number`; the body is a `WorkerStart`. */
  start: 1,
  /** Ends the worker unless it yields: a call of it is late. */
  doubt: 2,
  stop: 3,
  /** `number` is the question that the answer names. */
  ping: 4,
} as const;

/** The kinds of frames from the process. */
export const FROM_HOST = {
  /** The worker has loaded its plugin, or could not; the body is a `GuestReport`. */
  up: 1,
  /** The worker is no more, and with it all its calls; the body says why. */
  down: 2,
  pong: 3,
} as const;

/** The kind of all frames between a worker and the controller. */
export const BODY = 1;

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

/** What a worker posts to its process. */
export type GuestSign =
  /** Loaded, or not: JSON of a `GuestReport`. */
  | { readonly up: string }
  | { readonly pong: number };

/** What a process posts to its worker. */
export type HostSign =
  | {
    readonly start: WorkerStart;
    /** What it may do until it is on its line, and no longer. */
    readonly lent: readonly Lent[];
  }
  | { readonly ping: number };
