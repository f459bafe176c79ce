/**
 * What the processes that carry a domain between two daemons are told and tell,
 * beside what every such process does.
 *
 * @module
 */
import { z } from "zod";
import { CarrierState } from "../../carried/folder.ts";
import { SourceTask, TargetTask } from "../../carried/task.ts";
import { Image } from "./images.ts";

/** The domain as it is to be at the target; in the folder of its move. */
export function definitionFile(folder: string): string {
  return `${folder}/domain.xml`;
}

/** Of a domain that is off its images are copied, and nothing else is carried. */
const Copying = {
  uid: z.string(),
  images: z.array(Image),
};

/** What a process that carries a domain is to do. */
export const Task = z.discriminatedUnion("role", [
  SourceTask.extend({
    /** Where virsh finds the target's daemon. */
    socket: z.string(),
    /** The port, at either end, of the guest's memory. */
    memoryPort: z.number(),
    /** Likewise of its disks. */
    diskPort: z.number(),
    ...Copying,
  }),
  TargetTask.extend({
    /** Where this node's daemon listens. */
    daemon: z.string(),
    /** Where a tool that has an image is reached. */
    socket: z.string(),
    ...Copying,
  }),
]);
export type Task = z.infer<typeof Task>;

/** How far such a process is: the target's tells the ports of memory and disks, too. */
export const RelayState = CarrierState.extend({
  memoryPort: z.number().nullable(),
  diskPort: z.number().nullable(),
});
export type RelayState = z.infer<typeof RelayState>;

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
