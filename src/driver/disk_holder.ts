/**
 * Which running VM uses a file.
 *
 * @module
 */
import { fileIdentity } from "../sys/file_access.ts";

/** A running VM, and the files of its disks as their user named them. */
export interface DiskUser {
  readonly name: string;
  readonly disks: readonly string[];
}

/**
 * The name of the VM that uses `disk`; null when none does. Compared by what
 * they lead to: one file may have many names.
 */
export function holderOf(
  users: Iterable<DiskUser>,
  disk: string,
): string | null {
  const wanted = fileIdentity(disk);
  for (const { name, disks } of users) {
    const uses = disks.some((held) =>
      held === disk || (wanted !== null && fileIdentity(held) === wanted)
    );
    if (uses) return name;
  }
  return null;
}
