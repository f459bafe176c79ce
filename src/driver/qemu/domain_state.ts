/**
 * A domain's state, from all that is known of it. Pure.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import type { Ending } from "./handle.ts";
import { stateOfStatus } from "./monitor.ts";

/** What a monitor that says nothing means. */
export const SILENT = "monitor does not answer";

/** What is being done to it by this LNM. */
export type Phase = "idle" | "starting" | "stopping";

/** What a state is read from. */
export interface Facts {
  readonly phase: Phase;
  /** Its process lives. */
  readonly alive: boolean;
  readonly ending: Ending | null;
  /** QEMU's run state as last heard; null when it does not answer. */
  readonly status: string | null;
  /** The last thing worth telling. */
  readonly note: string;
}

/** State and reason. A QEMU that does not answer still runs its guest. */
export function stateOf(
  { phase, alive, ending, status, note }: Facts,
): { state: DomainState; reason: string } {
  if (phase === "starting") return { state: "starting", reason: "" };
  if (!alive) return ending ?? { state: "crashed", reason: "QEMU is gone" };
  if (status === null) return { state: "running", reason: note || SILENT };
  const { state, reason } = stateOfStatus(status);
  const asked = phase === "stopping" && state === "running";
  // The event tells which error it was, the run state only that there was one.
  const known = status === "io-error" ? note || reason : reason || note;
  return { state: asked ? "stopping" : state, reason: known };
}
