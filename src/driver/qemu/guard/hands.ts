/**
 * What the guard does to a QEMU: `stop` over its second monitor, and SIGSTOP
 * when that is not answered in time.
 *
 * The guest's owner may have paused it before; then it is left alone, and
 * nothing is ever resumed that was not running. Letting go uses the monitor
 * that the pause used: QEMU serves one client after another, so what was sent
 * and not read yet is read before.
 *
 * @module
 */
import { systemClock } from "../../../sys/clock.ts";
import { isFrozen, readLiving } from "../../../sys/process_table.ts";
import { connectUnix } from "../../../sys/unix_socket.ts";
import type { Hands } from "../../guard/guard.ts";
import type { Deed, Held, Target } from "../../guard/protocol.ts";
import { SIGNAL_MS, stopProcess, thaw } from "../../guard/stopping.ts";
import { QmpClient } from "../qmp/client.ts";

/** How long a QEMU may take to go on. */
const GO_MS = 3000;
/** How long one monitor may take to greet. */
const GREET_MS = 400;

/** A QEMU that the guard pauses when the lease is over. */
export interface QemuTarget extends Target {
  /** Its two monitors; the guard takes the second. */
  readonly monitors: readonly [string, string];
}

/** The hands of the qemu driver's guard. */
export const qemuHands: Hands<QemuTarget> = {
  find: (target) => readLiving(target.process) === null ? null : target,
  isAlive: ({ process }) => readLiving(process) !== null,
  hold,
  letGo,
  thaw: (held) => Promise.resolve(thaw(held)),
};

async function hold(
  target: QemuTarget,
  known: Held<QemuTarget> | undefined,
  note: (did: Deed) => Promise<void>,
  ms: number,
): Promise<boolean> {
  if (isFrozen(target.process)) return known !== undefined;
  const until = systemClock.monotonic() + ms - SIGNAL_MS;
  let wasRunning = known?.wasRunning ?? false;
  try {
    using monitor = await openMonitor(target, until);
    if (!await runs(monitor, until)) return known !== undefined;
    wasRunning = true;
    await note({ how: "qmp", wasRunning });
    await monitor.execute("stop", {}, { deadlineMs: left(until) });
    if (!await runs(monitor, until)) return true;
  } catch {
    // It does not answer, or not in time.
  }
  await note({ how: "signal", wasRunning });
  await stopProcess(target.process, until + SIGNAL_MS);
  return true;
}

async function letGo(held: Held<QemuTarget>): Promise<void> {
  const until = systemClock.monotonic() + GO_MS;
  thaw(held);
  // One whose QEMU never said that it ran may have been paused by its owner.
  if (!held.wasRunning) return;
  using monitor = await openMonitor(held, until);
  // One that was sent to another node meanwhile must never run here again.
  if (await statusOf(monitor, until) !== "paused") return;
  await monitor.execute("cont", {}, { deadlineMs: left(until) });
}

/** The second monitor; the first, which is the LNM's, when that one is taken. */
async function openMonitor(
  { monitors: [first, second] }: QemuTarget,
  until: number,
): Promise<QmpClient> {
  let trouble: unknown;
  for (const path of [second, first]) {
    const client = new QmpClient();
    try {
      const ms = Math.min(GREET_MS, left(until));
      await client.open(() => connectUnix(path), AbortSignal.timeout(ms));
      return client;
    } catch (error) {
      trouble = error;
    }
  }
  throw trouble;
}

/** Whether the guest's processors run, or will by themselves. */
async function runs(monitor: QmpClient, until: number): Promise<boolean> {
  return (await ask(monitor, until))?.running === true;
}

async function statusOf(monitor: QmpClient, until: number): Promise<unknown> {
  return (await ask(monitor, until))?.status;
}

async function ask(
  monitor: QmpClient,
  until: number,
): Promise<{ running?: unknown; status?: unknown } | null> {
  return await monitor.execute("query-status", {}, {
    deadlineMs: left(until),
  }) as { running?: unknown; status?: unknown } | null;
}

function left(until: number): number {
  return Math.max(1, Math.round(until - systemClock.monotonic()));
}
