/**
 * What a VM or a node uses, as lines for people.
 *
 * @module
 */
import type { VmUsage } from "../../schema/vm.ts";
import type { Fact } from "./describe.ts";
import { cpu, memory, rate } from "./format.ts";

/** The lines of `usage`; none where nothing is known yet. */
export function usageFacts(usage: VmUsage | null): Fact[] {
  if (usage === null) return [];
  const { memoryMiB, diskRead, diskWrite, netRx, netTx } = usage;
  return [
    ["uses", `cpu ${cpu(usage.cpu)}, memory ${memory(memoryMiB)}`],
    ["disk i/o", `${rate(diskRead)}/s read, ${rate(diskWrite)}/s written`],
    ["network", `${rate(netRx)}/s in, ${rate(netTx)}/s out`],
  ];
}
