/**
 * Where the processes that carry a domain to another node and the driver meet:
 * a folder a domain, with what is to be done and how far it is.
 *
 * @module
 */
import { z } from "zod";
import { readTextOrNull, writeDurably } from "../../../sys/file.ts";

/** The files of one migration. */
export function moveFiles(folder: string) {
  return {
    /** What the process is to do. */
    task: `${folder}/task.json`,
    /** How far it is. */
    state: `${folder}/state.json`,
    /** There once the domain is the target's. */
    go: `${folder}/go`,
    /** What virsh and the process say. */
    log: `${folder}/log`,
    /** The domain as it is to be at the target. */
    definition: `${folder}/domain.xml`,
  };
}

const Credentials = z.object({
  ca: z.string(),
  certificate: z.string(),
  key: z.string(),
});

/** What a process that carries a domain is to do. */
export const Task = z.discriminatedUnion("role", [
  z.object({
    role: z.literal("source"),
    /** Ties both ends to one migration. */
    purpose: z.string(),
    credentials: Credentials,
    address: z.string(),
    port: z.number(),
    /** What the target is called in its certificate. */
    host: z.string(),
    /** Where virsh finds the target's daemon. */
    socket: z.string(),
    /** The port, at either end, of the guest's memory. */
    memoryPort: z.number(),
    /** Likewise of its disks. */
    diskPort: z.number(),
  }),
  z.object({
    role: z.literal("target"),
    purpose: z.string(),
    credentials: Credentials,
    ports: z.object({ first: z.number(), last: z.number() }),
    /** The subject of the source's certificate. */
    subject: z.string(),
    /** Where this node's daemon listens. */
    daemon: z.string(),
  }),
]);
export type Task = z.infer<typeof Task>;

/** How far such a process is. */
export const CarrierState = z.object({
  /** Itself: a pid and when it was started. */
  pid: z.number(),
  startTicks: z.number(),
  phase: z.enum(["waiting", "carrying", "ready", "done", "failed"]),
  /** Where the target's listens, and the ports of memory and disks. */
  port: z.number().nullable(),
  memoryPort: z.number().nullable(),
  diskPort: z.number().nullable(),
  bytes: z.number(),
  /** Why it failed. */
  reason: z.string(),
});
export type CarrierState = z.infer<typeof CarrierState>;

/** How far the process of this folder is; null when there is none yet. */
export async function readState(folder: string): Promise<CarrierState | null> {
  const text = await readTextOrNull(moveFiles(folder).state);
  if (text === null) return null;
  try {
    return CarrierState.parse(JSON.parse(text));
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

/** What a connection between the two processes is for; its first line. */
export const CHANNEL = {
  daemon: "libvirtd",
  memory: "memory",
  disks: "disks",
} as const;

/** Where the source's QEMU connects to, which is the process beside it. */
export const SOURCE_SIDE = "127.0.0.2";
/** Where the target's QEMU listens. */
export const TARGET_SIDE = "127.0.0.1";
