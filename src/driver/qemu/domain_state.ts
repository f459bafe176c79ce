/**
 * A domain's state, from all that is known of it. Pure.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import type { Ending } from "../ending.ts";
import { isCopy, type MoveRecord } from "./migration/record.ts";
import { stateOfStatus } from "./monitor.ts";

/** What is being done to it by this LNM. */
export type Phase = "idle" | "starting" | "stopping";

/** What a state is read from. */
export interface Facts {
  readonly phase: Phase;
  /** It has a process whose end is not settled yet. */
  readonly alive: boolean;
  readonly ending: Ending | null;
  /** QEMU's run state as last heard; null before the first word of it. */
  readonly status: string | null;
  /** Why nothing is heard of QEMU; null when it answers. */
  readonly silence: string | null;
  /** What ails the guest; empty when nothing does. */
  readonly ailment: string;
  /** Its migration; null while it is not on the move. */
  readonly move: MoveRecord | null;
}

/** A state, and why. */
export interface SeenState {
  readonly state: DomainState;
  readonly reason: string;
}

/** State and reason. A QEMU that does not answer still runs its guest. */
export function stateOf(facts: Facts): SeenState {
  const { phase, alive, ending, status, silence, ailment, move } = facts;
  if (isCopy(move)) return copyState(facts);
  if (phase === "starting") return { state: "starting", reason: "" };
  if (!alive) return ending ?? { state: "crashed", reason: "QEMU is gone" };
  const seen = stateWhileSending(status ?? "running", move);
  const { state, reason } = stateOfStatus(seen);
  const asked = phase === "stopping" && state === "running";
  // The event tells which error it was, the run state only that there was one.
  const known = seen === "io-error" ? ailment || reason : reason || ailment;
  return { state: asked ? "stopping" : state, reason: silence ?? known };
}

/** Whatever becomes of a copy's QEMU, the guest is elsewhere. */
function copyState(
  { alive, ending, silence, move }: Facts,
): { state: DomainState; reason: string } {
  const where = move?.role === "source"
    ? `sent to ${move.peer}`
    : `coming from ${move?.peer}`;
  if (alive || move?.live === false) {
    return { state: "migrating", reason: silence ?? where };
  }
  const end = ending?.reason ?? "QEMU is gone";
  return { state: "migrating", reason: `${where}; here ${end}` };
}

/** At the switch QEMU stops the guest; only a guest that was paused before is paused. */
function stateWhileSending(status: string, move: MoveRecord | null): string {
  // What was sent and taken back stays in postmigrate until it is resumed.
  if (move === null) return status === "postmigrate" ? "paused" : status;
  const isSwitching = move.role === "source" && move.phase === "memory";
  return isSwitching && status === "paused" && !move.paused
    ? "finish-migrate"
    : status;
}
