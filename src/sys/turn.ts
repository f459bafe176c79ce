/**
 * Turns of the event loop: everything that is runnable now runs before the
 * next one begins.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Resolves in the next turn, once all that waits for nothing outside has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
