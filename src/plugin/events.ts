/**
 * Firing events, as the controller sees it: ask a chain what to do, or tell it
 * what happened.
 *
 * @module
 */
import type { EventArgs, EventName } from "../schema/event.ts";
import type { TrailEntry } from "../schema/operation.ts";
import type { Answers } from "./answers.ts";
import type { Asking } from "./asks.ts";
import type { Registration } from "./runner.ts";

/** What goes with a firing. */
export interface Firing {
  /** Names this firing; the same again after a crash. Calls are named by it. */
  readonly decision: string;
  readonly operation?: string | null;
  /** How many requests of plugins this came from. */
  readonly depth?: number;
  /** Calls that tell of the same thing come one after another; others side by side. */
  readonly lane?: string;
  /** Plugins whose handlers are passed over: the one that filed the request. */
  readonly except?: readonly string[];
  /** The one registration that is called: each has a clock of its own. */
  readonly only?: number;
  /** Whether nothing follows from it, as for a plan: what handlers then file, fire or keep goes nowhere. */
  readonly isReplay?: boolean;
  /** The versions of plugins that it began with; those of its operation when absent. */
  readonly versions?: Readonly<Record<string, string>>;
  /** What handlers have answered before, and where their answers are kept. */
  readonly answers?: Answers;
  /** Gives a decision up; handlers that were called go on to their end, unheard. */
  readonly signal?: AbortSignal;
}

/** What one handler did in a chain that decided. */
export interface Share {
  readonly plugin: string;
  /** In words, such as `set spec.memoryMiB to 512`; none when it changed nothing. */
  readonly changed: readonly string[];
}

/** What a chain came to. */
export interface Decided<E extends EventName> {
  readonly args: EventArgs<E>;
  /** Who changed it, and who took long. */
  readonly trail: readonly TrailEntry[];
  /** The plugins that took part, and the hash of each. */
  readonly plugins: Readonly<Record<string, string>>;
  /** In the order of the chain. */
  readonly shares: readonly Share[];
}

/** Whom a decision waits for. */
export interface WaitingFor {
  readonly plugin: string;
  readonly event: string;
  /** Since when, by the clock that only goes forward. */
  readonly sinceMs: number;
}

/** Fires events. */
export interface Events {
  /** Whether it is worth firing: a plugin is registered, or it is recorded. */
  isHeard(event: string): boolean;
  /** Whether a plugin is registered for it. */
  isRegistered(event: string): boolean;
  /**
   * Runs a chain that decides. Throws `refused`, naming the plugin, when a
   * handler says no, and `plugin_failed` when one fails.
   */
  decide<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<Decided<E>>;
  /**
   * Runs a chain that tells; resolves when it has ended, and never rejects.
   * Answers who took long, and who was passed over since its version is gone.
   */
  tell<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<readonly TrailEntry[]>;
  /**
   * Fires an event that a plugin declares; resolves when its chain has ended.
   * Throws `wrong_state` for an event that its own handlers led to.
   */
  fire(
    event: string,
    args: readonly unknown[],
    firing: Firing,
  ): Promise<void>;
  /** An event is never told, for a reason that the plugins registered for it are shown with. */
  missed(event: string, why: string): void;
  /** The time of a registration came while its chain still ran: it is shown with that. */
  passedOver(registration: Pick<Registration, "id" | "event">): void;
  /** Whom the decision of this name waits for; null when it waits for nobody. */
  waitingFor(decision: string): WaitingFor | null;
  /** The versions of the plugins that hear any of these events. */
  versions(events: readonly string[]): Readonly<Record<string, string>>;
}

/** For a controller without plugins: nobody hears anything. */
export const NO_EVENTS: Events = {
  isHeard: () => false,
  isRegistered: () => false,
  decide: (_event, args) =>
    Promise.resolve({ args, trail: [], plugins: {}, shares: [] }),
  tell: () => Promise.resolve([]),
  fire: () => Promise.resolve(),
  missed: () => {},
  passedOver: () => {},
  waitingFor: () => null,
  versions: () => ({}),
};

/** Stands in the name of a decision between a call and what its handler fired. */
const FIRED = ">";

/**
 * The firing of an event by a handler: named after its call, so that it is the
 * same in a call that is made again, and that a circle can be told. `key` is
 * its own among those of the call.
 */
export function firedBy(
  { decision, operation, depth, isReplay }: Asking,
  key: string | number,
): Firing {
  const named = String(key).replaceAll(/[>/]/g, "_");
  return {
    decision: `${decision}${FIRED}${named}`,
    operation,
    depth,
    isReplay,
  };
}

/** The events whose handlers led to a decision, the first one first. */
export function pathOf(decision: string): string[] {
  return decision.split(FIRED).slice(0, -1).map((call) =>
    call.split("/").at(-2) ?? ""
  );
}
