/**
 * A domain's state, from all that is known of it. Pure.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import type { Ending } from "./handle.ts";
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
}

/** A state, and why. */
export interface SeenState {
  readonly state: DomainState;
  readonly reason: string;
}

/** State and reason. A QEMU that does not answer still runs its guest. */
export function stateOf(facts: Facts): SeenState {
  const { phase, alive, ending, status, silence, ailment } = facts;
  if (phase === "starting") return { state: "starting", reason: "" };
  if (!alive) return ending ?? { state: "crashed", reason: "QEMU is gone" };
  const seen = status ?? "running";
  const { state, reason } = stateOfStatus(seen);
  const asked = phase === "stopping" && state === "running";
  // The event tells which error it was, the run state only that there was one.
  const known = seen === "io-error" ? ailment || reason : reason || ailment;
  return { state: asked ? "stopping" : state, reason: silence ?? known };
}
