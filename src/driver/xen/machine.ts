/**
 * The machine that Xen has: what of it guests can have, and what all domains
 * together use. The system in dom0 sees but its own part of it.
 *
 * @module
 */
import type { Capacity } from "../../schema/node.ts";
import type { Counters } from "../../sys/counters.ts";
import { isDom0, type Row } from "./listing.ts";
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
  /** The processor time of each domain, by domid, when it was read last. */
  #seconds: ReadonlyMap<number, number> | null = null;
  #cpuSeconds = 0;

  constructor(xl: Xl) {
    this.#xl = xl;
  }

  /** What guests can have; null where Xen does not tell. Throws `unavailable`. */
  async capacity(
    info: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<Capacity | null> {
    const rows = await this.#xl.listAll(signal);
    const dom0MiB = memoryOf(rows.filter(isDom0));
    const total = Number(info.get("total_memory"));
    const free = Number(info.get("free_memory"));
    this.#ownMiB ??= Math.max(0, total - free - memoryOf(rows));
    const dom0 = isDom0Fixed(info) ? dom0MiB : DOM0_LEAST_MIB;
    const memoryMiB = total - this.#ownMiB - dom0;
    const cpus = Number(info.get("nr_cpus"));
    return cpus > 0 && memoryMiB > 0 ? { cpus, memoryMiB } : null;
  }

  /**
   * What all domains have used of the processors since the first call, and the
   * memory that is not free. Throws `unavailable`.
   */
  async counters(signal: AbortSignal): Promise<Partial<Counters>> {
    const info = await this.#xl.info(signal);
    const rows = await this.#xl.listAll(signal);
    const before = this.#seconds;
    this.#seconds = new Map(rows.map((row) => [row.domid, row.cpuSeconds]));
    // A domain that is gone takes nothing away: counters only grow.
    for (const [domid, seconds] of before === null ? [] : this.#seconds) {
      this.#cpuSeconds += Math.max(0, seconds - (before?.get(domid) ?? 0));
    }
    const used = Number(info.get("total_memory")) -
      Number(info.get("free_memory"));
    return {
      cpuSeconds: this.#cpuSeconds,
      ...(used > 0 ? { memoryMiB: used } : {}),
    };
  }
}

function memoryOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
}
