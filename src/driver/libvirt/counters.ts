/**
 * What running domains have used since they were started, all in one question.
 *
 * A QEMU that hangs would keep `virsh domstats` waiting for its disks, so those
 * are asked for with a short deadline; without them the rest comes alone, which
 * libvirt knows by itself.
 *
 * @module
 */
import type { DomainCounters } from "../driver.ts";
import type { Virsh } from "./virsh.ts";

const ALIVE = ["--list-running", "--list-paused", "--nowait"];
/** What libvirt and the kernel know. */
const ALONE = ["--cpu-total", "--interface"];
/** What QEMU is asked for. */
const ASKED = ["--block", "--balloon"];
const ASKED_MS = 5000;

/** Counters of every domain with a process, by libvirt's name for it. */
export async function readCounters(
  virsh: Virsh,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, DomainCounters>> {
  const ask = ["domstats", ...ALIVE, ...ALONE];
  const text = await virsh.ask([...ask, ...ASKED], signal, ASKED_MS)
    .catch(() => {
      signal.throwIfAborted();
      return virsh.ask(ask, signal);
    });
  return parseCounters(text);
}

/** Reads what `virsh domstats` prints. */
export function parseCounters(
  text: string,
): ReadonlyMap<string, DomainCounters> {
  const found = new Map<string, DomainCounters>();
  for (const part of text.split(/^Domain: '/m).slice(1)) {
    const name = /^(.*)'$/m.exec(part)?.[1];
    if (name !== undefined) found.set(name, countersIn(part));
  }
  return found;
}

const NS_PER_SECOND = 1e9;
const KIB_PER_MIB = 1024;

function countersIn(text: string): DomainCounters {
  const sum = (pattern: RegExp) => {
    const values = [...text.matchAll(pattern)].map(([, value]) =>
      Number(value)
    );
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
  };
  const cpu = sum(/^ *cpu\.time=(\d+)$/gm);
  const memory = sum(/^ *balloon\.rss=(\d+)$/gm);
  return {
    cpuSeconds: cpu === null ? null : cpu / NS_PER_SECOND,
    memoryMiB: memory === null ? null : memory / KIB_PER_MIB,
    diskReadBytes: sum(/^ *block\.\d+\.rd\.bytes=(\d+)$/gm),
    diskWriteBytes: sum(/^ *block\.\d+\.wr\.bytes=(\d+)$/gm),
    netRxBytes: sum(/^ *net\.\d+\.rx\.bytes=(\d+)$/gm),
    netTxBytes: sum(/^ *net\.\d+\.tx\.bytes=(\d+)$/gm),
  };
}
