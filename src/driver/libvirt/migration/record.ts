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
  /** Whether the guest was paused when it began. */
  paused: z.boolean(),
  /**
   * At the source: `sending`, then `sent` once the target has everything and
   * the guest stands still. At the target: `waiting`, then `activating` once
   * it was told that the domain is its own.
   */
  phase: z.enum(["sending", "sent", "waiting", "activating"]),
  /** Images that the target has made, by the disk's place in the spec. */
  made: z.record(z.string(), z.string()).default({}),
});
export type MoveRecord = z.infer<typeof MoveRecord>;

/** Whether the domain here must not run: it has been sent, or has not been taken on. */
export function isCopy(move: MoveRecord | null): boolean {
  return move?.phase === "sent" || move?.phase === "waiting";
}
