/**
 * Other processes, as /proc shows them (proc(5)).
 *
 * A pid is used again after its process has ended; pid and start time
 * together are not. So a process is named by both, and a signal is sent only
 * while both still hold.
 *
 * @module
 */
import { setPriority } from "node:os";
import { kill } from "node:process";
import { readTextOrNullSync } from "./file.ts";

/** One process, and no other that may get its pid later. */
export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTicks: number;
}

/** What /proc/PID/stat tells. */
export interface ProcessStat extends ProcessId {
  /** One letter: R, S, D, T (stopped), Z (ended, not yet reaped), … */
  readonly state: string;
  readonly parent: number;
  /** Of all its threads, those that have ended included. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

// USER_HZ and the page size are 100 and 4096 on x86 and, for the tick, on
// every Linux; Deno has no sysconf to ask.
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** The process with this pid now, or null. */
export function readProcess(pid: number): ProcessStat | null {
  const text = readTextOrNullSync(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "?",
    parent: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    startTicks: Number(fields[19]),
    residentBytes: Number(fields[21]) * PAGE_BYTES,
  };
}

/** The same process as `id`, if it has not ended. A zombie has. */
export function readLiving(id: ProcessId): ProcessStat | null {
  const stat = readProcess(id.pid);
  if (stat === null || stat.startTicks !== id.startTicks) return null;
  return stat.state === "Z" || stat.state === "X" ? null : stat;
}

/**
 * The bytes of memory that this process has to itself: what it shares with
 * files, its program among them, is not counted. Null when it is gone.
 */
export function readOwnBytes(pid: number): number | null {
  const fields = readTextOrNullSync(`/proc/${pid}/statm`)?.split(" ");
  if (fields === undefined || fields.length < 3) return null;
  return (Number(fields[1]) - Number(fields[2])) * PAGE_BYTES;
}

/** Whether it was stopped by a signal (SIGSTOP) and does nothing at all. */
export function isFrozen(id: ProcessId | null): boolean {
  return id !== null && readLiving(id)?.state === "T";
}

/** The pids of this moment. */
export function listPids(): number[] {
  const pids: number[] = [];
  for (const entry of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(entry.name)) pids.push(Number(entry.name));
  }
  return pids;
}

/** The threads of a process, by the numbers that calls for one of them take. Throws when it is gone. */
export function listThreads(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)]
    .map(({ name }) => Number(name));
}

/** The arguments a process was started with; empty when it is gone or not ours to see. */
export function readArguments(pid: number): string[] {
  return readStrings(`/proc/${pid}/cmdline`);
}

/** One variable of the environment a process was started with. */
export function readVariable(pid: number, name: string): string | null {
  const prefix = `${name}=`;
  const found = readStrings(`/proc/${pid}/environ`).find((entry) =>
    entry.startsWith(prefix)
  );
  return found === undefined ? null : found.slice(prefix.length);
}

/** The file that a process has for its standard output; null when it is gone, or not ours to see. */
export function readOutput(pid: number): string | null {
  try {
    return Deno.readLinkSync(`/proc/${pid}/fd/1`);
  } catch {
    return null;
  }
}

function readStrings(path: string): string[] {
  try {
    const text = readTextOrNullSync(path) ?? "";
    return text === "" ? [] : text.replace(/\0$/, "").split("\0");
  } catch {
    return []; // not permitted: somebody else's process
  }
}

/** The names of the tun and tap devices that a process holds open, sorted. */
export function listTunDevices(pid: number): string[] {
  const names: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      if (Deno.readLinkSync(`/proc/${pid}/fd/${name}`) !== "/dev/net/tun") {
        continue;
      }
      const info = readTextOrNullSync(`/proc/${pid}/fdinfo/${name}`) ?? "";
      names.push(...(/^iff:\s*(\S+)$/m.exec(info)?.slice(1) ?? []));
    }
  } catch {
    // Gone meanwhile, or not ours to see.
  }
  return names.sort();
}

/** Bytes that these devices, in the process's own network, have received and sent; null when it has none of them. */
export function readNetBytes(
  pid: number,
  devices: readonly string[],
): { rx: number; tx: number } | null {
  const text = readTextOrNullSync(`/proc/${pid}/net/dev`) ?? "";
  const rows = text.split("\n").flatMap((line) => {
    const [, name = "", numbers = ""] = /^\s*([^\s:]+):(.*)$/.exec(line) ?? [];
    return devices.includes(name) ? [numbers.trim().split(/\s+/)] : [];
  });
  if (rows.length === 0) return null;
  const sum = (column: number) =>
    rows.reduce((total, row) => total + Number(row[column]), 0);
  return { rx: sum(0), tx: sum(8) };
}

/** Sends a signal to the process that is `id`; whether it was there to get it. */
export function signalProcess(
  id: ProcessId,
  signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT",
): boolean {
  if (readLiving(id) === null) return false;
  try {
    Deno.kill(id.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether the process that is `id` is there, and this one may send it signals. */
export function maySignal(id: ProcessId): boolean {
  if (readLiving(id) === null) return false;
  try {
    return kill(id.pid, 0);
  } catch {
    return false; // somebody else's, or gone in this very moment
  }
}

/** Lets a process have what others leave of the processors: `nice` of setpriority(2) for all its threads, which those they start have too. */
export function lowerPriority(id: ProcessId, nice: number): void {
  if (readLiving(id) === null) return;
  try {
    for (const thread of listThreads(id.pid)) setPriority(thread, nice);
  } catch {
    // It has ended, or one of its threads has.
  }
}

/** Changes with every boot of the machine. */
export function readBootId(): string {
  return readTextOrNullSync("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}
