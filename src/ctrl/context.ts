/**
 * What every part of the controller is given: the clock, ids, the log.
 *
 * @module
 */
import { type Clock, isoTime } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** Time, ids and the log, as arguments, so that a simulation can bring its own. */
export interface CtrlContext {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
}

/** Now, ISO 8601 in UTC. */
export function isoNow(context: CtrlContext): string {
  return isoTime(context.clock.now());
}
