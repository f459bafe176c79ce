/**
 * What two xl say to each other while a domain moves, as far as usher stands
 * between them, and where the processes that do so keep what they know.
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
import { readTextOrNull, writeDurably } from "../../../sys/file.ts";

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

/** Where one migration's processes and the driver meet; a folder a domain. */
export function moveFiles(folder: string) {
  return {
    /** What the process is to do. */
    task: `${folder}/task.json`,
    /** How far it is. */
    state: `${folder}/state.json`,
    /** There once the domain is the target's. */
    go: `${folder}/go`,
    /** What xl and the process say. */
    log: `${folder}/log`,
  };
}

/** What a process that carries a domain is to do. */
export const Task = z.discriminatedUnion("role", [
  z.object({
    role: z.literal("source"),
    /** Ties both ends to one migration. */
    purpose: z.string(),
    credentials: z.object({
      ca: z.string(),
      certificate: z.string(),
      key: z.string(),
    }),
    address: z.string(),
    port: z.number(),
    /** What the target is called in its certificate. */
    host: z.string(),
  }),
  z.object({
    role: z.literal("target"),
    purpose: z.string(),
    credentials: z.object({
      ca: z.string(),
      certificate: z.string(),
      key: z.string(),
    }),
    ports: z.object({ first: z.number(), last: z.number() }),
    /** The subject of the source's certificate. */
    subject: z.string(),
    uid: z.string(),
    /** The xl that takes the domain in, and its environment. */
    xl: z.string(),
    env: z.record(z.string(), z.string()),
  }),
]);
export type Task = z.infer<typeof Task>;

/** How far such a process is. */
export const CarrierState = z.object({
  /** Itself: a pid and when it was started. */
  pid: z.number(),
  startTicks: z.number(),
  phase: z.enum(["waiting", "carrying", "ready", "done", "failed"]),
  /** Where the target's listens. */
  port: z.number().nullable(),
  bytes: z.number(),
  /** Why it failed. */
  reason: z.string(),
});
export type CarrierState = z.infer<typeof CarrierState>;

/** How far the process of this folder is; null when there is none yet. */
export async function readState(folder: string): Promise<CarrierState | null> {
  const text = await readTextOrNull(moveFiles(folder).state);
  const parsed = CarrierState.safeParse(
    text === null ? null : parseJson(text),
  );
  return parsed.success ? parsed.data : null;
}

/** Tells how far the process of this folder is. */
export async function writeState(
  folder: string,
  state: CarrierState,
): Promise<void> {
  await writeDurably(moveFiles(folder).state, JSON.stringify(state));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
