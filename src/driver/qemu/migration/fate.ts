/**
 * What becomes of each disk when its domain moves. Pure.
 *
 * ```
 * stays     every node sees the same file
 * fixed     nothing is written to it: the target must have the same
 * overlay   usher's own file: sent, with its base where the target lacks that
 * file      the user's own file: sent
 * ```
 *
 * @module
 */
import type { DiskSpec } from "../../../schema/vm.ts";

/** What becomes of a disk. */
export type Fate = "stays" | "fixed" | "overlay" | "file";

/** What becomes of `disk`. */
export function fateOf({ base, readonly, shared }: DiskSpec): Fate {
  if (base !== undefined) return readonly ? "fixed" : "overlay";
  if (shared) return "stays";
  return readonly ? "fixed" : "file";
}

/** The disks that are sent, with their places. */
export function sentDisks(
  disks: readonly DiskSpec[],
): { index: number; disk: DiskSpec; fate: "overlay" | "file" }[] {
  return disks.flatMap((disk, index) => {
    const fate = fateOf(disk);
    return fate === "overlay" || fate === "file" ? [{ index, disk, fate }] : [];
  });
}

/** The files that the target must have already, and have the same. */
export function fixedFiles(disks: readonly DiskSpec[]): string[] {
  return disks.flatMap((disk) => {
    if (fateOf(disk) !== "fixed" || disk.shared) return [];
    return disk.path ?? disk.base ?? [];
  });
}
