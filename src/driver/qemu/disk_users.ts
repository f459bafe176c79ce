/**
 * Which QEMUs of ours use which files.
 *
 * @module
 */
import type { DiskUser } from "../disk_holder.ts";
import type { Domain } from "./domain.ts";

/** Domains that have a process, with their files. */
export function diskUsers(domains: Iterable<Domain>): DiskUser[] {
  return [...domains].filter(({ process }) => process !== null)
    .map(({ handle: { name, disks } }) => ({ name, disks }));
}
