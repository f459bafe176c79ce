/**
 * From libvirt's states and reasons to usher's. Pure.
 *
 * The numbers are those of libvirt's API (libvirt-domain.h), which never change;
 * `virsh domstats` prints them.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import type { Ending } from "../ending.ts";

/** virDomainState */
export const STATE = {
  none: 0,
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  suspended: 7,
} as const;

/** virDomainPausedReason, as far as one tells more than that it is paused. */
export const PAUSED = {
  unknown: 0,
  user: 1,
  migration: 2,
  save: 3,
  dump: 4,
  ioError: 5,
  watchdog: 6,
  shuttingDown: 8,
  snapshot: 9,
  crashed: 10,
  startingUp: 11,
} as const;

/** virDomainShutoffReason */
export const SHUTOFF = {
  unknown: 0,
  shutdown: 1,
  destroyed: 2,
  crashed: 3,
  migrated: 4,
  saved: 5,
  failed: 6,
  snapshot: 7,
  daemon: 8,
} as const;

/** Why a domain is crashed whose memory is there for whoever wants it. */
export const PRESERVED = "guest panicked; it is preserved";

/** Whether there is a hypervisor's process for it. */
export function isLive({ state }: { readonly state: number }): boolean {
  return state !== STATE.shutoff && state !== STATE.none;
}

/** What a domain that has a process is doing. */
export function liveState(
  { state, reason }: { readonly state: number; readonly reason: number },
): { state: DomainState; reason: string } {
  switch (state) {
    case STATE.paused:
      return pausedState(reason);
    case STATE.shutdown:
      return { state: "stopping", reason: "" };
    case STATE.crashed:
      return { state: "crashed", reason: PRESERVED };
    case STATE.suspended:
      return { state: "paused", reason: "the guest suspended itself" };
    default:
      return { state: "running", reason: "" };
  }
}

function pausedState(reason: number): { state: DomainState; reason: string } {
  switch (reason) {
    case PAUSED.startingUp:
      return { state: "starting", reason: "" };
    case PAUSED.shuttingDown:
      return { state: "stopping", reason: "" };
    case PAUSED.crashed:
      return { state: "crashed", reason: PRESERVED };
    case PAUSED.ioError:
      return { state: "paused", reason: "disk error" };
    case PAUSED.watchdog:
      return { state: "paused", reason: "its watchdog fired" };
    default:
      return { state: "paused", reason: "" };
  }
}

/** How it ended, as far as libvirt still knows; null when it does not. */
export function endingOfShutoff(reason: number): Ending | null {
  switch (reason) {
    case SHUTOFF.shutdown:
      return { state: "stopped", reason: "guest shut down" };
    case SHUTOFF.destroyed:
      return { state: "stopped", reason: "powered off" };
    case SHUTOFF.crashed:
      return { state: "crashed", reason: "QEMU died or its guest crashed" };
    case SHUTOFF.migrated:
      return { state: "stopped", reason: "moved to another host by hand" };
    case SHUTOFF.saved:
      return {
        state: "stopped",
        reason:
          "saved by hand to a file; virsh restore goes on from there, and a start boots it anew",
      };
    case SHUTOFF.failed:
      return { state: "crashed", reason: "libvirt could not run it" };
    case SHUTOFF.snapshot:
      return { state: "stopped", reason: "put back to a snapshot by hand" };
    case SHUTOFF.daemon:
      return { state: "crashed", reason: "ended while libvirtd was away" };
    default:
      return null;
  }
}
