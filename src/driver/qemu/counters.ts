/**
 * What a running domain has used since it was started.
 *
 * Processor and memory are those of its QEMU process. Disk bytes are the
 * guest's own, from QEMU. Network bytes are the kernel's, of the tap devices
 * that QEMU holds open, those that a bridge helper made included. In user mode
 * nobody counts, so a domain with no other card has null there and not zero.
 *
 * @module
 */
import {
  listTunDevices,
  readLiving,
  readNetBytes,
} from "../../sys/process_table.ts";
import type { DomainCounters } from "../driver.ts";
import type { Domain } from "./domain.ts";

/** The counters of a domain; null when it does not run. */
export async function readCounters(
  domain: Domain,
): Promise<DomainCounters | null> {
  const process = domain.process;
  const stat = process === null ? null : readLiving(process);
  if (stat === null) return null;
  return {
    cpuSeconds: stat.cpuSeconds,
    memoryMiB: stat.residentBytes / 1024 / 1024,
    ...await readDisks(domain),
    ...readTaps(stat.pid),
  };
}

interface BlockStats {
  readonly stats?: { readonly rd_bytes?: number; readonly wr_bytes?: number };
}

async function readDisks(
  domain: Domain,
): Promise<Pick<DomainCounters, "diskReadBytes" | "diskWriteBytes">> {
  try {
    const all = await domain.execute(
      "query-blockstats",
    ) as readonly BlockStats[];
    return {
      diskReadBytes: all.reduce(
        (sum, { stats }) => sum + (stats?.rd_bytes ?? 0),
        0,
      ),
      diskWriteBytes: all.reduce(
        (sum, { stats }) => sum + (stats?.wr_bytes ?? 0),
        0,
      ),
    };
  } catch {
    return { diskReadBytes: null, diskWriteBytes: null };
  }
}

function readTaps(
  pid: number,
): Pick<DomainCounters, "netRxBytes" | "netTxBytes"> {
  const bytes = readNetBytes(pid, listTunDevices(pid));
  // What the node sends into a tap device is what the guest receives.
  return { netRxBytes: bytes?.tx ?? null, netTxBytes: bytes?.rx ?? null };
}
