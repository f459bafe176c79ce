/**
 * Which domains of ours use which files.
 *
 * @module
 */
import type { VmSpec } from "../../schema/vm.ts";
import type { DiskUser } from "../disk_holder.ts";
import type { Domain } from "./domain.ts";

/** Those that are up, with the files that they were started with. */
export function diskUsers(domains: Iterable<Domain>): DiskUser[] {
  return [...domains].filter(({ isUp }) => isUp)
    .map(({ handle: { name, spec } }) => ({ name, disks: filesOf(spec) }));
}

function filesOf(spec: VmSpec | null): string[] {
  return (spec?.disks ?? []).flatMap(({ path, base }) => path ?? base ?? []);
}
