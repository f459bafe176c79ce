/**
 * Recording what fires, as whoever runs chains sees it.
 *
 * @module
 */
import type { RecordedEvent } from "../../schema/recorded_event.ts";

/** Takes events in that are kept for replays. */
export interface EventRecorder {
  /**
   * Whether an event is recorded also when nobody hears it, since a new
   * plugin is tried on what was decided before it came. Never true for what
   * carries a secret.
   */
  wants(event: string): boolean;
  /** Takes an event in; returns at once, drops rather than waits, never throws. */
  record(recorded: Omit<RecordedEvent, "type">): void;
}

/** For a controller that records nothing. */
export const NO_RECORDER: EventRecorder = {
  wants: () => false,
  record: () => {},
};
