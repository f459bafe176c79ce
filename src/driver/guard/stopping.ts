/**
 * Stopping a process by a signal, whatever it is doing: what is left to a guard
 * where a hypervisor does not answer.
 *
 * @module
 */
import { systemClock } from "../../sys/clock.ts";
import {
  isFrozen,
  type ProcessId,
  readLiving,
  signalProcess,
} from "../../sys/process_table.ts";
import type { Held } from "./protocol.ts";

/** What of the time for a pause is left to the signal. */
export const SIGNAL_MS = 500;
const LOOK_AGAIN_MS = 10;

/** Returns once the process stands still, or has ended. Throws when it does neither by `until`, on the monotonic clock. */
export async function stopProcess(
  process: ProcessId,
  until: number,
): Promise<void> {
  signalProcess(process, "SIGSTOP");
  while (!isFrozen(process) && readLiving(process) !== null) {
    if (systemClock.monotonic() > until) {
      throw new Error("The process does not stop, either");
    }
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
}

/** Has a held process go on, if a signal has stopped it. */
export function thaw({ process }: Held): void {
  if (isFrozen(process)) signalProcess(process, "SIGCONT");
}
