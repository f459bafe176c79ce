/**
 * Who has the processors first (sched(7)).
 *
 * A priority says how much of a processor a process gets, and not how soon: a
 * current kernel lets whoever runs go on for some milliseconds, whatever its
 * priority. A process of the policy SCHED_IDLE gives way at once. Out of that
 * policy only a privileged process helps another, so only such a one puts it in
 * there; any other lowers the priority, for good.
 *
 * Deno has neither policies nor capabilities; the first are libc's.
 *
 * @module
 */
import { readTextOrNullSync } from "./file.ts";
import {
  listThreads,
  lowerPriority,
  type ProcessId,
  readLiving,
} from "./process_table.ts";

const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
/** The bit of /proc/self/status that stands for it (capabilities(7)). */
const CAP_SYS_NICE = 23n;
const NICE = 10;

const LIBRARY = {
  sched_setscheduler: {
    parameters: ["i32", "i32", "buffer"],
    result: "i32",
  },
} as const;

/** Lets a process, with all its threads and those that they start, have only what others leave. */
export function yieldToOthers(id: ProcessId): void {
  if (!mayRaise() || !setPolicy(id, SCHED_IDLE)) lowerPriority(id, NICE);
}

/** Takes that back as far as it can be. */
export function raiseAgain(id: ProcessId): void {
  if (mayRaise()) setPolicy(id, SCHED_OTHER);
}

function mayRaise(): boolean {
  const status = readTextOrNullSync("/proc/self/status") ?? "";
  const bits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${bits}`) >> CAP_SYS_NICE & 1n) === 1n;
}

/** Whether at least one of its threads has the policy now. */
function setPolicy(id: ProcessId, policy: number): boolean {
  if (readLiving(id) === null) return false;
  try {
    const libc = Deno.dlopen("libc.so.6", LIBRARY);
    try {
      const { sched_setscheduler } = libc.symbols;
      const priority = new Int32Array([0]);
      return listThreads(id.pid)
        .filter((thread) => sched_setscheduler(thread, policy, priority) === 0)
        .length > 0;
    } finally {
      libc.close();
    }
  } catch {
    return false; // it has ended, or a C library of another name
  }
}
