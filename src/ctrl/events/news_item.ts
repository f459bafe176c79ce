/**
 * One piece of news: an event that happened, and in which order it is told.
 *
 * @module
 */
import type { EventArgs, EventName, EVENTS } from "../../schema/event.ts";

/** An event that tells. */
export type TellingEvent = {
  [E in EventName]: (typeof EVENTS)[E]["class"] extends "tells" ? E : never;
}[EventName];

/** One event that happened. */
export type News = {
  readonly [E in TellingEvent]: {
    readonly event: E;
    readonly args: EventArgs<E>;
    /** What is told of the same thing is told in order. */
    readonly lane: string;
    /** Names it; the same for every look at the same write. */
    readonly decision: string;
    readonly operation?: string | undefined;
    /** How many requests of plugins it came from. */
    readonly depth?: number | undefined;
  };
}[TellingEvent];
