/**
 * The machine, as the kernel describes it under /proc: what it has, and what
 * all of it together has used since it booted.
 *
 * Counters of the whole machine have the shape of a domain's, so that the
 * same code turns both into usage. What a kernel does not tell is null.
 *
 * @module
 */
import type { Counters } from "./counters.ts";
import { readTextOrNull } from "./file.ts";

/** What the kernel counts in `/proc/stat`, whatever its own clock rate is. */
const TICKS_PER_SECOND = 100;
/** The unit of `/proc/diskstats`, whatever a disk's own sectors are. */
const BYTES_PER_SECTOR = 512;
/** Disks, and not their partitions, nor devices made of disks, which would count twice. */
const WHOLE_DISK =
  /^(?:(?:sd|hd|vd|xvd|dasd|ubd)[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

/** What the machine has. */
export interface MachineCapacity {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** The id of this process. */
export function processId(): number {
  return Deno.pid;
}

/** Asks the kernel to end others first when memory runs out; root alone may ask. */
export function avoidOomKill(): void {
  try {
    Deno.writeTextFileSync("/proc/self/oom_score_adj", "-900");
  } catch {
    // Then it is as likely as any other.
  }
}

/**
 * How this very program is started again, as its arguments follow: the
 * executable, or a runtime with the sources.
 */
export function ownProgram(): readonly [string, ...string[]] {
  // The kernel says so of a file that was replaced, by an upgrade.
  const runtime = Deno.execPath().replace(/ \(deleted\)$/, "");
  // By another name for the same file: `node:child_process` takes its own
  // executable for Deno's, and would put `run` before the arguments.
  if (Deno.build.standalone) return [`/.${runtime}`];
  const main = decodeURIComponent(
    new URL("../../main.ts", import.meta.url).pathname,
  );
  const flags = [
    "--allow-all",
    "--no-check",
    "--quiet",
    "--cached-only",
    "--frozen",
  ];
  return [runtime, "run", ...flags, main];
}

/** Whether this is the one executable, and not a runtime with the sources. */
export function isExecutable(): boolean {
  return Deno.build.standalone;
}

/** Where the plugins that ship lie: inside the executable, or with the sources. */
export function shippedPlugins(): string {
  const folder = Deno.build.standalone ? "./plugins" : "../../plugins";
  return decodeURIComponent(new URL(folder, import.meta.url).pathname);
}

/** Of this process's environment, what such a start needs. */
export function ownEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "TMPDIR"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** The machine's name for itself. */
export function hostname(): string {
  return Deno.hostname();
}

/** An id that changes with every boot of the machine; null where there is none. */
export async function bootId(): Promise<string | null> {
  const text = await readTextOrNull("/proc/sys/kernel/random/boot_id");
  return text?.trim() || null;
}

/** What the machine has. */
export async function machineCapacity(): Promise<MachineCapacity> {
  const [stat, meminfo] = await Promise.all([
    readTextOrNull("/proc/stat"),
    readTextOrNull("/proc/meminfo"),
  ]);
  return {
    cpus: countCpus(stat ?? "") || navigator.hardwareConcurrency,
    memoryMiB: parseMeminfo(meminfo ?? "")?.totalMiB ??
      Math.floor(Deno.systemMemoryInfo().total / 2 ** 20),
  };
}

/** What the machine used so far. */
export async function machineCounters(): Promise<Counters> {
  const [stat, meminfo, diskstats, netdev] = await Promise.all(
    ["stat", "meminfo", "diskstats", "net/dev"].map((name) =>
      readTextOrNull(`/proc/${name}`)
    ),
  );
  const disk = parseDiskstats(diskstats ?? "");
  const net = parseNetDev(netdev ?? "");
  return {
    cpuSeconds: parseCpuSeconds(stat ?? ""),
    memoryMiB: parseMeminfo(meminfo ?? "")?.usedMiB ?? null,
    diskReadBytes: disk?.readBytes ?? null,
    diskWriteBytes: disk?.writeBytes ?? null,
    netRxBytes: net?.rxBytes ?? null,
    netTxBytes: net?.txBytes ?? null,
  };
}

/** How many processors `/proc/stat` lists. */
export function countCpus(stat: string): number {
  return stat.match(/^cpu\d+ /gm)?.length ?? 0;
}

/**
 * The seconds that all processors were busy, from `/proc/stat`. Waiting for a
 * disk is not busy, nor is time that a hypervisor below took; time that the
 * machine's own guests had is part of `user` there already.
 */
export function parseCpuSeconds(stat: string): number | null {
  const line = /^cpu +(.+)$/m.exec(stat)?.[1];
  if (line === undefined) return null;
  const [user = 0, nice = 0, system = 0, _idle, _iowait, irq = 0, softirq = 0] =
    line.split(/ +/).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

/** Memory, from `/proc/meminfo`. What can be had without swapping is not in use. */
export function parseMeminfo(
  meminfo: string,
): { totalMiB: number; usedMiB: number } | null {
  const total = kibOf(meminfo, "MemTotal");
  const available = kibOf(meminfo, "MemAvailable");
  if (total === null || available === null) return null;
  return {
    totalMiB: Math.floor(total / 1024),
    usedMiB: Math.round((total - available) / 1024),
  };
}

function kibOf(meminfo: string, key: string): number | null {
  const match = new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(meminfo);
  return match === null ? null : Number(match[1]);
}

/** Bytes of all whole disks, from `/proc/diskstats`; null when it lists none. */
export function parseDiskstats(
  diskstats: string,
): { readBytes: number; writeBytes: number } | null {
  const disks = rows(diskstats).filter(([, , name = ""]) =>
    WHOLE_DISK.test(name)
  );
  if (disks.length === 0) return null;
  return {
    readBytes: BYTES_PER_SECTOR * sum(disks, 5),
    writeBytes: BYTES_PER_SECTOR * sum(disks, 9),
  };
}

/** Bytes of all interfaces but the loopback, from `/proc/net/dev`; null when it lists none. */
export function parseNetDev(
  netdev: string,
): { rxBytes: number; txBytes: number } | null {
  // A name may touch its first number: "eth0:123".
  const cards = rows(netdev.replaceAll(":", ": ")).filter(([name = ""]) =>
    name.endsWith(":") && name !== "lo:"
  );
  if (cards.length === 0) return null;
  return { rxBytes: sum(cards, 1), txBytes: sum(cards, 9) };
}

function rows(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(/\s+/));
}

function sum(rows: readonly string[][], column: number): number {
  return rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
}
