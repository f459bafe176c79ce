/**
 * Ending a QEMU process, and waiting until it has gone.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import {
  isFrozen,
  type ProcessId,
  readLiving,
  signalProcess,
} from "../../sys/process_table.ts";
import type { QmpClient } from "./qmp/client.ts";

const GONE_POLL_MS = 1;
const QUIT_MS = 2000;
const KILL_MS = 10_000;

/** What is ended, and by whom it is known. */
export interface Doomed {
  /** The VM's name, for the error. */
  readonly name: string;
  readonly process: ProcessId;
  readonly monitor: QmpClient | null;
  /** Aborts when nobody waits any more. */
  readonly closing: AbortSignal;
  /** Called before QEMU is killed, which leaves it no time to say a word. */
  beforeKill(): Promise<void>;
}

/** Asks QEMU to end, and kills it when it does not. Throws `driver_failed` when even that fails. */
export async function endProcess(doomed: Doomed): Promise<void> {
  const { name, process, monitor, closing, beforeKill } = doomed;
  if (monitor?.state === "running" && !isFrozen(process)) {
    // Not waited for: the process going away is the answer.
    monitor.execute("quit", {}, { deadlineMs: QUIT_MS }).catch(() => {});
    const isHopeless = () => closing.aborted || isFrozen(process);
    if (await isGoneWithin(process, QUIT_MS, isHopeless)) return;
  }
  await beforeKill();
  signalProcess(process, "SIGKILL");
  if (await isGoneWithin(process, KILL_MS, () => closing.aborted)) return;
  throw new UsherError(
    "driver_failed",
    `Cannot power off VM "${name}": QEMU (pid ${process.pid}) does not end, even by SIGKILL`,
    {
      hint:
        "It waits in the kernel, most likely for a disk or network file system that is gone.",
    },
  );
}

/** Whether the process has gone before `ms` are over or `isHopeless` says so. */
export async function isGoneWithin(
  process: ProcessId,
  ms: number,
  isHopeless: () => boolean,
): Promise<boolean> {
  const until = systemClock.monotonic() + ms;
  while (readLiving(process) !== null) {
    if (isHopeless() || systemClock.monotonic() > until) return false;
    await systemClock.sleep(GONE_POLL_MS);
  }
  return true;
}
