/**
 * What is kept of a move at either end, before anything is done upon it, so that
 * the next LNM goes on from there.
 *
 * ```
 * source   sending ──the target has all──► sent
 * target   waiting ──activate──► activating
 * ```
 *
 * A domain whose handle has no record is not on the move. A driver adds what its
 * hypervisor needs besides.
 *
 * @module
 */
import { z } from "zod";
import type { Transfer } from "../../schema/frame.ts";

/** A move as one of its ends remembers it. */
export const MoveRecord = z.object({
  /** The transfer's id. */
  id: z.string(),
  role: z.enum(["source", "target"]),
  peer: z.string(),
  live: z.boolean(),
  /** `sent`: the target has everything and the guest stands still; `activating`: it was told that the domain is its own. */
  phase: z.enum(["sending", "sent", "waiting", "activating"]),
});
export type MoveRecord = z.infer<typeof MoveRecord>;

/** The record of a move that begins. */
export function newMove(
  { id, peer, live }: Transfer,
  role: MoveRecord["role"],
): MoveRecord {
  const phase = role === "source" ? "sending" : "waiting";
  return { id, role, peer, live, phase };
}

/** Whether the domain here must not run: it has been sent, or has not been taken on. */
export function isCopy(move: MoveRecord | null): boolean {
  return move?.phase === "sent" || move?.phase === "waiting";
}
