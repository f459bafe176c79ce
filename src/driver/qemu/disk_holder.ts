/**
 * Which running VM uses a file.
 *
 * @module
 */
import { fileIdentity } from "../../sys/file_access.ts";
import type { Domain } from "./domain.ts";

/**
 * The name of the domain that uses `disk`; null when none does. Compared by
 * what they lead to: one file may have many names.
 */
export function holderOf(
  domains: Iterable<Domain>,
  disk: string,
): string | null {
  const wanted = fileIdentity(disk);
  const holder = [...domains].find(({ process, handle }) =>
    process !== null &&
    handle.disks.some((held) =>
      held === disk || (wanted !== null && fileIdentity(held) === wanted)
    )
  );
  return holder?.handle.name ?? null;
}
