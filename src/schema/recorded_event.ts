/**
 * Recorded events: what fired, what it came to, and what each handler said,
 * as it is kept to be played to a plugin later.
 *
 * @module
 */
import { z } from "zod";

/** What one handler made of an event. */
export const RecordedAnswer = z.object({
  plugin: z.string(),
  /** The plugin's version: SHA-256 of its files. */
  hash: z.string(),
  /** What it gave back; null for nothing. */
  args: z.array(z.unknown()).nullable(),
  /** Why it refused or failed; null when it did neither. */
  problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
});
/** What one handler made of an event. */
export type RecordedAnswer = z.infer<typeof RecordedAnswer>;

/** One line of a recording. */
export const RecordedLine = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("event"),
    /** When it fired, ISO 8601 in UTC. */
    at: z.string(),
    event: z.string(),
    decision: z.string(),
    operation: z.string().nullable(),
    depth: z.int().nonnegative(),
    args: z.array(z.unknown()),
    /** In the order of the chain; none when nobody heard it. */
    answers: z.array(RecordedAnswer),
  }),
  /** Events that were not recorded, since there were too many or one was too large. */
  z.object({
    type: z.literal("gap"),
    at: z.string(),
    dropped: z.int().positive(),
  }),
]);
/** One line of a recording. */
export type RecordedLine = z.infer<typeof RecordedLine>;
/** A recorded event. */
export type RecordedEvent = Extract<RecordedLine, { type: "event" }>;
