/**
 * What binds a VM to its node when it is to start: its disk, which a dead node
 * has; and when it is free of it.
 *
 * @module
 */
import {
  bindingDisk,
  diskName,
  freedFromDead,
  freedToMove,
} from "../../core/binding.ts";
import { UsherError } from "../../error/mod.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Records } from "../records/records.ts";
import type { RunParts } from "./run_parts.ts";

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

/**
 * A VM of a node that was declared dead may have its way elsewhere, and so may
 * one that no node has, where its start asks for that.
 */
export function freed(
  vm: Vm,
  { verb, options }: Operation,
  { records, isUncertain }: Pick<RunParts, "records" | "isUncertain">,
): Vm {
  const node = records.nodes.latest(vm.node ?? "");
  const free = node?.state === "dead" ? freedFromDead(vm, verb) : vm;
  return verb === "start" ? freedToMove(free, options.on, isUncertain) : free;
}
