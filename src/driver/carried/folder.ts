/**
 * Where the processes that carry a domain and the driver meet: a folder a
 * domain, with what is to be done and how far it is. Nothing else ties them, so
 * that either may end and be followed by another.
 *
 * @module
 */
import { z } from "zod";
import { readTextOrNull, writeDurably } from "../../sys/file.ts";

/** The files of one move. */
export function moveFiles(folder: string) {
  return {
    /** What the process is to do. */
    task: `${folder}/task.json`,
    /** How far it is. */
    state: `${folder}/state.json`,
    /** There once the domain is the target's. */
    go: `${folder}/go`,
    /** What the hypervisor's tools and the process say. */
    log: `${folder}/log`,
  };
}

/** How far such a process is; a driver adds what its own must tell. */
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
export function readState(folder: string): Promise<CarrierState | null> {
  return readStateAs(CarrierState, folder);
}

/** Likewise, with what a driver's own process tells besides. */
export async function readStateAs<S extends CarrierState>(
  schema: z.ZodType<S>,
  folder: string,
): Promise<S | null> {
  const text = await readTextOrNull(moveFiles(folder).state);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Tells how far the process of this folder is. */
export async function writeState(
  folder: string,
  state: CarrierState,
): Promise<void> {
  await writeDurably(moveFiles(folder).state, JSON.stringify(state));
}
