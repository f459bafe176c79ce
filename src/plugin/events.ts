/**
 * Firing events, as the controller sees it: ask a chain what to do, or tell it
 * what happened.
 *
 * @module
 */
import type { EventArgs, EventName } from "../schema/event.ts";
import type { TrailEntry } from "../schema/operation.ts";

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
}

/** What a chain came to. */
export interface Decided<E extends EventName> {
  readonly args: EventArgs<E>;
  /** Who changed it, and who took long. */
  readonly trail: readonly TrailEntry[];
  /** The plugins that took part, and the hash of each. */
  readonly plugins: Readonly<Record<string, string>>;
}

/** Fires events. */
export interface Events {
  /** Whether anybody is registered: an event that nobody hears costs nothing. */
  isHeard(event: string): boolean;
  /**
   * Runs a chain that decides. Throws `refused`, naming the plugin, when a
   * handler says no, and `plugin_failed` when one fails.
   */
  decide<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<Decided<E>>;
  /** Runs a chain that tells; resolves when it has ended, and never rejects. */
  tell<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<void>;
  /** Fires an event that a plugin declares. */
  fire(
    event: string,
    args: readonly unknown[],
    firing: Firing,
  ): Promise<void>;
}

/** For a controller without plugins: nobody hears anything. */
export const NO_EVENTS: Events = {
  isHeard: () => false,
  decide: (_event, args) => Promise.resolve({ args, trail: [], plugins: {} }),
  tell: () => Promise.resolve(),
  fire: () => Promise.resolve(),
};
