/**
 * The error of a VM that cannot start because its node is dead and has its disk.
 *
 * @module
 */
import { bindingDisk, diskName } from "../../core/binding.ts";
import { UsherError } from "../../error/mod.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Records } from "../records/records.ts";

/** Why `vm` can start on no other node than its dead one; null when that is not so. */
export function boundToDead(vm: Vm, records: Records): UsherError | null {
  if (records.nodes.latest(vm.node ?? "")?.state !== "dead") return null;
  const disk = bindingDisk(vm.spec);
  if (disk === null) return null;
  return new UsherError(
    "unavailable",
    `Cannot start VM "${vm.name}": its disk (${
      diskName(disk)
    }) is on node ${vm.node}, which is dead`,
    {
      hint:
        `it can start there once ${vm.node} is back; a disk that every node sees is marked "shared"`,
      subject: vm.name,
    },
  );
}
