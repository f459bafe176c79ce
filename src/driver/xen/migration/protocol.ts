/**
 * What two xl say to each other while a domain moves, as far as usher stands
 * between them, and what the processes that do so are told.
 *
 * The receiving xl greets, takes the domain in, says that it has it, and waits
 * for a permission; then it lets the domain run and says so. The sending xl
 * would give the permission as soon as it hears the second word, and destroy
 * its own domain at the third. usher keeps both words from it, so that nothing
 * is decided between two xl: the controller decides, the target's driver gives
 * the permission, and the source's destroys what is left there.
 *
 * @module
 */
import { z } from "zod";
import { SourceTask, TargetTask } from "../../carried/task.ts";

/** The end of the greeting, which the sender must hear before it sends. */
export const GREETING_END = 0x0a;

/** What the receiver says when it has the whole domain, its ending zero included. */
export const READY = text("domain received, ready to unpause\0");

/** What lets the receiver go on. */
export const PERMISSION = text("domain is yours, you are cleared to unpause\0");

/** What the receiver says at last; a byte follows, zero when the domain runs. */
export const REPORT = text("my copy unpause results are as follows\0");

function text(words: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(words);
}

/** What a process that carries a domain is to do. */
export const Task = z.discriminatedUnion("role", [
  SourceTask,
  TargetTask.extend({
    uid: z.string(),
    /** The xl that takes the domain in, and its environment. */
    xl: z.string(),
    env: z.record(z.string(), z.string()),
  }),
]);
export type Task = z.infer<typeof Task>;
