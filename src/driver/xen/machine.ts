/**
 * What a Xen host has for guests. The system in dom0 sees but its own part of
 * the machine, so it is Xen that is asked.
 *
 * @module
 */
import type { Capacity } from "../../schema/node.ts";
import type { Xl } from "./xl.ts";

/** What a dom0 keeps whose memory is not fixed: xl takes the rest of it for guests. */
const DOM0_LEAST_MIB = 1024;

/** Whether dom0's memory stays what it is; where not, xl takes of it what a guest needs. */
export function isDom0Fixed(info: ReadonlyMap<string, string>): boolean {
  return /\bdom0_mem=/.test(info.get("xen_commandline") ?? "");
}

/** The machine of one dom0. */
export class XenMachine {
  readonly #xl: Xl;
  /**
   * What Xen itself keeps, found once: it would seem to change by a few MiB with
   * each domain, and the node would tell of another machine all the time.
   */
  #ownMiB: number | null = null;

  constructor(xl: Xl) {
    this.#xl = xl;
  }

  /** What guests can have; null where Xen does not tell. Throws `unavailable`. */
  async capacity(
    info: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<Capacity | null> {
    const { dom0MiB, guestsMiB } = await this.#xl.memory(signal);
    const total = Number(info.get("total_memory"));
    const free = Number(info.get("free_memory"));
    this.#ownMiB ??= Math.max(0, total - free - dom0MiB - guestsMiB);
    const dom0 = isDom0Fixed(info) ? dom0MiB : DOM0_LEAST_MIB;
    const memoryMiB = total - this.#ownMiB - dom0;
    const cpus = Number(info.get("nr_cpus"));
    return cpus > 0 && memoryMiB > 0 ? { cpus, memoryMiB } : null;
  }
}
