/**
 * Telling the service manager how we are (sd_notify(3)).
 *
 * A manager that was told that a process lives on, and then hears nothing for
 * the time that its unit gives (`WatchdogSec=`), starts it anew. Who tells is
 * the loop that does all the work: when that is stuck, so is the telling.
 *
 * @module
 */
import { openDatagrams } from "./datagram.ts";

/** Sends `state`, such as `READY=1`, when a manager asked to be told. */
export function notifyManager(state: string): void {
  const path = Deno.env.get("NOTIFY_SOCKET");
  if (path === undefined || path === "") return;
  // A manager that cannot be told is no reason to end.
  using manager = openDatagrams(path);
  manager?.send(new TextEncoder().encode(state));
}

/** A timer's longest time; a watchdog that waits longer is told as often. */
const MAX_MS = 2 ** 31 - 1;

/** Tells the manager that we live, as often as it wants to hear, until disposed of. */
export function keepWatchdog(): Disposable {
  const everyMs = watchdogMs();
  if (everyMs === null) return { [Symbol.dispose]() {} };
  notifyManager("WATCHDOG=1");
  const timer = setInterval(() => notifyManager("WATCHDOG=1"), everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** A third of the time after which the manager gives up; null when it does not watch this process. */
function watchdogMs(): number | null {
  const pid = Deno.env.get("WATCHDOG_PID");
  if (pid !== undefined && Number(pid) !== Deno.pid) return null;
  const us = Number(Deno.env.get("WATCHDOG_USEC") ?? "");
  if (!Number.isFinite(us) || us <= 0) return null;
  return Math.min(Math.max(Math.floor(us / 3000), 1), MAX_MS);
}
