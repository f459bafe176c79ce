/**
 * A domain's state, from what Xen shows and what is known besides. Pure.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import { isCopy, type MoveRecord } from "../carried/record.ts";
import type { Ending } from "../ending.ts";
import type { Handle } from "./handle.ts";
import { REASON, type Row } from "./listing.ts";

/** What is being done to it by this LNM. */
export type Phase = "idle" | "starting" | "stopping";

/** A state, and why. */
export interface SeenState {
  readonly state: DomainState;
  readonly reason: string;
}

/** State and reason of a domain of ours; `row` is what Xen has of it. */
export function stateOf(
  handle: Handle,
  row: Row | null,
  phase: Phase,
  isBeingRebuilt: boolean,
): SeenState {
  const { move, ending } = handle;
  if (move !== null && isOnItsWay(move)) {
    const where = move.role === "source"
      ? `sent to ${move.peer}`
      : `coming from ${move.peer}`;
    return { state: "migrating", reason: where };
  }
  if (phase === "starting") return { state: "starting", reason: "" };
  // Written down before the power is cut: until then it is what it was.
  if (ending !== null && (row === null || row.shutdown)) return ending;
  if (row === null || !handle.created) return notYet(handle);
  if (row.shutdown) return { state: "running", reason: reasonOfPause(row) };
  if (isBeingRebuilt) return notYet(handle);
  const reason = nameReason(handle, row);
  if (row.paused) return { state: "paused", reason };
  return { state: phase === "stopping" ? "stopping" : "running", reason };
}

/** Whether it does not run here yet, or not any more. A copy is on its way until Xen was seen to have let it run. */
export function isOnItsWay(move: MoveRecord | null): boolean {
  return move?.role === "target" || isCopy(move);
}

/** Without an end and without a domain it is on its way: created, or created anew. */
function notYet({ created }: Handle): SeenState {
  return created
    ? { state: "running", reason: "the guest reboots" }
    : { state: "starting", reason: "" };
}

/** Shut down and without an end: it stands still on its way to elsewhere. */
function reasonOfPause({ reason }: Row): string {
  if (reason === REASON.suspend) return "suspended, to be saved or moved";
  return reason === REASON.reboot || reason === REASON.softReset
    ? "the guest reboots"
    : "";
}

function nameReason({ name, move }: Handle, row: Row): string {
  const isKnown = move !== null || row.name === name || row.name === "" ||
    row.name === "(null)";
  return isKnown ? "" : `Xen has it as "${row.name}"`;
}

/** State and reason of a domain that usher did not make. */
export function foreignState(row: Row): SeenState {
  if (row.crashed || row.reason === REASON.crash) {
    return { state: "crashed", reason: "guest crashed" };
  }
  if (row.shutdown && row.reason !== REASON.suspend) {
    return { state: "stopped", reason: describeReason(row.reason) };
  }
  return { state: row.paused ? "paused" : "running", reason: "" };
}

/** How a run has ended whose domain has shut down; null while it may go on: it reboots, or is saved. */
export function endingOf(row: Row): Ending | null {
  if (!row.shutdown) return null;
  switch (row.reason) {
    case REASON.poweroff:
      return { state: "stopped", reason: describeReason(row.reason) };
    case REASON.reboot:
    case REASON.suspend:
    case REASON.softReset:
      return row.crashed ? crashed(REASON.crash) : null;
    default:
      return crashed(row.reason);
  }
}

function crashed(reason: number | null): Ending {
  return { state: "crashed", reason: describeReason(reason) };
}

function describeReason(reason: number | null): string {
  switch (reason) {
    case REASON.poweroff:
      return "guest shut down";
    case REASON.reboot:
      return "guest ended with a reset";
    case REASON.watchdog:
      return "the guest's watchdog was not fed";
    case REASON.crash:
    case null:
      return "guest crashed";
    default:
      return `Xen shut it down with reason ${reason}`;
  }
}
