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
import {
  isFrozen,
  readLiving,
  signalProcess,
} from "../../../sys/process_table.ts";
import { connectUnix } from "../../../sys/unix_socket.ts";
import { QmpClient } from "../qmp/client.ts";
import type { Hands } from "./guard.ts";
import type { Held, Target } from "./protocol.ts";

/** What of the time for a pause is left to the signal. */
const SIGNAL_MS = 500;
/** How long a QEMU may take to go on. */
const GO_MS = 3000;
/** How long one monitor may take to greet. */
const GREET_MS = 400;
const LOOK_AGAIN_MS = 10;

/** The hands of a real guard. */
export const qemuHands: Hands = {
  isAlive: (target) => readLiving(target.process) !== null,
  hold,
  letGo,
  thaw,
};

async function hold(
  target: Target,
  known: Held | undefined,
  note: (did: Pick<Held, "how" | "wasRunning">) => Promise<void>,
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
  signalProcess(target.process, "SIGSTOP");
  await untilFrozen(target, until + SIGNAL_MS);
  return true;
}

async function letGo(held: Held): Promise<void> {
  const until = systemClock.monotonic() + GO_MS;
  thaw(held);
  // One whose QEMU never said that it ran may have been paused by its owner.
  if (!held.wasRunning) return;
  using monitor = await openMonitor(held, until);
  // One that was sent to another node meanwhile must never run here again.
  if (await statusOf(monitor, until) !== "paused") return;
  await monitor.execute("cont", {}, { deadlineMs: left(until) });
}

function thaw({ process }: Held): void {
  if (isFrozen(process)) signalProcess(process, "SIGCONT");
}

/** The second monitor; the first, which is the LNM's, when that one is taken. */
async function openMonitor(
  { monitors: [first, second] }: Target,
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

async function untilFrozen(target: Target, until: number): Promise<void> {
  while (!isFrozen(target.process) && readLiving(target.process) !== null) {
    if (systemClock.monotonic() > until) {
      throw new Error("The process does not stop, either");
    }
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
}
