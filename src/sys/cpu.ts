/**
 * The machine's processor, as far as guests that are given it can tell.
 *
 * @module
 */
import { readTextOrNull } from "./file.ts";

/** Who made a processor, and what it can do. */
export interface Cpu {
  readonly vendor: string;
  readonly flags: string[];
}

/** This machine's, by `/proc/cpuinfo` (proc(5)). */
export async function readCpu(): Promise<Cpu> {
  return parseCpu(await readTextOrNull("/proc/cpuinfo") ?? "");
}

/** The first processor in such a text; all of a machine are alike. */
export function parseCpu(text: string): Cpu {
  const field = (name: string) =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  return {
    vendor: field("vendor_id"),
    flags: field("flags").split(/\s+/).filter((flag) => flag !== "").toSorted(),
  };
}
