/**
 * Whether a node has room for the disks of a VM that comes, asked before anything
 * moves. Who else writes there meanwhile is not known.
 *
 * @module
 */
import { dirname } from "node:path";
import { UsherError } from "../error/mod.ts";
import { statOrNull } from "../sys/file.ts";
import { roomAt } from "../sys/file_system.ts";

/** A disk that is to lie at `path`, and how much of it holds something. */
export interface ComingDisk {
  readonly path: string;
  readonly bytes: number;
}

/** Throws `invalid_input` for a folder that is not there, and `insufficient_resources` for the first disk that has no room beside those before it. */
export async function refuseNoRoom(
  { name, node }: { readonly name: string; readonly node: string },
  disks: readonly ComingDisk[],
): Promise<void> {
  const needed = new Map<number, number>();
  for (const { path, bytes } of disks) {
    const folder = dirname(path);
    if (await statOrNull(folder) === null) {
      throw new UsherError(
        "invalid_input",
        `Cannot move VM "${name}" to node "${node}": there is no folder ${folder} for its disk`,
        { field: "spec.disks" },
      );
    }
    const { device, freeBytes } = await roomAt(folder);
    const sum = (needed.get(device) ?? 0) + bytes;
    needed.set(device, sum);
    if (sum <= freeBytes) continue;
    throw new UsherError(
      "insufficient_resources",
      `Cannot move VM "${name}" to node "${node}": its disks need ${
        Math.ceil(sum / MIB)
      } MiB in ${folder}, which has ${Math.floor(freeBytes / MIB)}`,
    );
  }
}

const MIB = 1024 * 1024;
