/**
 * The answers of one firing that outlive the controller, as a chain sees them:
 * what was answered before it is called again, and where it puts what it gets.
 *
 * @module
 */
import type { KeptAnswer } from "../schema/stored.ts";

/** What handlers of one firing, or of several in a row, have answered. */
export interface Answers {
  /** What a handler answered to `event` before; undefined when it did not. */
  of(event: string, handler: string): KeptAnswer | undefined;
  /** Keeps one; never rejects, and nobody waits for it. */
  keep(answer: KeptAnswer): void;
}
