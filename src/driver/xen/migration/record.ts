/**
 * What is kept of a migration at either end, so that the next LNM goes on from
 * it.
 *
 * @module
 */
import { z } from "zod";

/** A migration as one of its ends remembers it. */
export const MoveRecord = z.object({
  /** The transfer's id. */
  id: z.string(),
  role: z.enum(["source", "target"]),
  peer: z.string(),
  live: z.boolean(),
  /**
   * At the source: `sending`, then `sent` once the target has everything and
   * the guest stands still. At the target: `waiting`, then `activating` once
   * it was told that the domain is its own.
   */
  phase: z.enum(["offered", "sending", "sent", "waiting", "activating"]),
});
export type MoveRecord = z.infer<typeof MoveRecord>;

/** Whether the domain here must not run: it has been sent, or has not been taken on. */
export function isCopy(move: MoveRecord | null): boolean {
  return move !== null && (move.role === "target" || move.phase === "sent");
}
