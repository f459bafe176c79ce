/**
 * Writing what an operation did, for as long as it takes.
 *
 * A node has acted; that the disk is full must not make the controller forget
 * it. So a write that could not be made is tried again until there is room,
 * each time with what is then so, and the lane stays held meanwhile. What
 * ends the wait is the end of the controller, or a store that another has
 * taken over.
 *
 * @module
 */
import { isUsherError, messageOf } from "../../error/mod.ts";
import type { CtrlContext } from "../context.ts";
import type { Records, Write } from "../records/records.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/** What is written, and what the caller gets once it is durable. */
export interface Plan<T> {
  readonly writes: readonly Write[];
  readonly result: T;
}

/** What writing needs. */
export interface DurablyParts {
  readonly context: CtrlContext;
  readonly records: Records;
  /** Aborts when the controller ends. */
  readonly stopped: AbortSignal;
}

/**
 * Makes what `plan` says durable, and answers its result. `plan` is asked anew
 * before each attempt. Rejects with what `plan` throws, with what the store
 * says when trying again cannot help, and when the controller ends.
 */
export async function durably<T>(
  { context, records, stopped }: DurablyParts,
  plan: () => Plan<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS;; pause = longer(pause)) {
    const { writes, result } = plan();
    try {
      // Without anything to write too: what the plan believed may be a draft,
      // and an empty commit behind it fails as it does.
      await records.write(writes);
      return result;
    } catch (error) {
      if (stopped.aborted || !isPassing(error)) throw error;
      context.log.warn("an operation waits until the state can be written", {
        error: messageOf(error),
        againMs: pause,
      });
    }
    await context.clock.sleep(pause, stopped);
  }
}

function longer(pause: number): number {
  return Math.min(LONGEST_PAUSE_MS, pause * 2);
}

/** Whether the store may be able to write later what it could not now. */
function isPassing(error: unknown): boolean {
  return isUsherError(error, "unavailable") ||
    isUsherError(error, "interrupted");
}
