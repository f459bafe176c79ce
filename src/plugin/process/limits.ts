/**
 * The bounds of memory and processor of the processes that run plugins, kept
 * from outside: a bound that a runtime sets for itself is lifted by whoever
 * breaks it, and running out of memory ends a process without a word.
 *
 * Memory is what a process has to itself, looked at every 50 ms while it works
 * and four times a second while it does not. Whoever passes a bound is killed
 * at once; between two looks a process can grow by some 200 MiB. Whoever keeps
 * a processor busy is let have only what others leave, until it rests: on a small
 * machine it is the controller's processor.
 *
 * @module
 */
import type { PluginLimits } from "../../schema/plugin.ts";
import type { Clock } from "../../sys/clock.ts";
import {
  type ProcessId,
  readLiving,
  readOwnBytes,
} from "../../sys/process_table.ts";
import { raiseAgain, yieldToOthers } from "../../sys/scheduling.ts";

/** How often a process is looked at while it has calls. */
export const BUSY_MS = 50;
/** And while it has none. */
export const IDLE_MS = 250;
/** The time over which the use of processors is averaged. */
export const CPU_WINDOW_MS = 10_000;

const CPU_EVERY_MS = 100;
/** So much of a processor, at so many looks in a row, is keeping it busy. */
const BUSY_SHARE = 0.8;
const BUSY_LOOKS = 2;
/** And less of it, for so long, is resting. */
const REST_MS = 5000;
const MIB = 1024 * 1024;

/** A process that runs plugins. */
export interface WatchedProcess {
  readonly plugins: readonly string[];
  readonly id: ProcessId;
  /** Of each of its plugins; together they are its own. */
  readonly limits: readonly Pick<PluginLimits, "memory" | "cpu">[];
  /** Calls that it has. */
  readonly calls: number;
  /** Whether something is loaded in it, which takes what it takes. */
  readonly isStarting?: boolean;
  kill(why: string): void;
  /** Lets it have what others leave, where the reader's `lower` alone does not do that. */
  lower?(): void;
  /** Takes that back. */
  raise?(): void;
}

/** Where the figures come from. */
export interface ProcessReader {
  /** Bytes that it has to itself; null when it is gone. */
  memory(id: ProcessId): number | null;
  /** Seconds of processor that it has used; null when it is gone. */
  cpu(id: ProcessId): number | null;
  /** Lets it have what others leave. */
  lower(id: ProcessId): void;
  /** Takes that back. */
  raise(id: ProcessId): void;
}

/** /proc, as it is. */
export const PROC_READER: ProcessReader = {
  memory: ({ pid }) => readOwnBytes(pid),
  cpu: (id) => readLiving(id)?.cpuSeconds ?? null,
  lower: yieldToOthers,
  raise: raiseAgain,
};

/** Holds processes to their limits, by one timer for all of them, from the first `wake` on. */
export class LimitWatch implements Disposable {
  readonly #clock: Clock;
  readonly #list: () => readonly WatchedProcess[];
  readonly #reader: ProcessReader;
  #entries = new Map<string, Entry>();
  #timer: Disposable | null = null;
  /** Whether the timer that runs is the slow one. */
  #isIdle = false;
  #isOver = false;

  /** `list` gives the processes of the moment. */
  constructor(
    clock: Clock,
    list: () => readonly WatchedProcess[],
    reader: ProcessReader = PROC_READER,
  ) {
    this.#clock = clock;
    this.#list = list;
    this.#reader = reader;
  }

  /** A process begins to work: it is looked at soon. Costs nothing when one works already. */
  wake(): void {
    if (this.#isOver || (this.#timer !== null && !this.#isIdle)) return;
    this.#arm(false);
  }

  /** What a process had to itself at the last look; null when it was not looked at yet. */
  memoryMiB(id: ProcessId): number | null {
    return this.#entries.get(keyOf(id))?.memoryMiB ?? null;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#entries.clear();
  }

  #arm(isIdle: boolean): void {
    this.#timer?.[Symbol.dispose]();
    this.#isIdle = isIdle;
    this.#timer = this.#clock.after(
      isIdle ? IDLE_MS : BUSY_MS,
      () => this.#look(),
    );
  }

  #look(): void {
    this.#timer = null;
    const now = this.#clock.monotonic();
    const before = this.#entries;
    this.#entries = new Map();
    let isIdle = true;
    for (const process of this.#list()) {
      const key = keyOf(process.id);
      const entry = before.get(key) ?? new Entry();
      this.#entries.set(key, entry);
      if (process.calls > 0) isIdle = false;
      else if (now - entry.lookedAt < IDLE_MS - BUSY_MS) continue;
      const reason = entry.look(process, this.#reader, now);
      if (reason !== null) process.kill(reason);
    }
    if (!this.#isOver) this.#arm(isIdle);
  }
}

function keyOf({ pid, startTicks }: ProcessId): string {
  return `${pid}/${startTicks}`;
}

/** What is known of one process. */
class Entry {
  memoryMiB: number | null = null;
  lookedAt = -Infinity;
  #cpuLookedAt = -Infinity;
  #busyLooks = 0;
  /** When it was last busy; null while it has what others have. */
  #loweredAt: number | null = null;
  /**
   * Oldest first; the first is as old as the window, or as the first look: what
   * it used until then, to start, was used in a time that nobody knows.
   */
  readonly #cpu: { readonly at: number; readonly seconds: number }[] = [];

  /** Why it is to be killed, or null. */
  look(
    process: WatchedProcess,
    reader: ProcessReader,
    now: number,
  ): string | null {
    this.lookedAt = now;
    const { id, limits } = process;
    const sum = (key: "memory" | "cpu") =>
      limits.reduce((all, one) => all + one[key], 0);
    return this.#overMemory(reader.memory(id), sum("memory")) ??
      this.#overCpu(process, reader, { processors: sum("cpu"), now });
  }

  #overMemory(bytes: number | null, most: number): string | null {
    if (bytes === null) return null; // it has ended, and its owner is told
    const has = this.memoryMiB = Math.round(bytes / MIB);
    return has <= most
      ? null
      : `its process has ${has} MiB of memory, and ${most} MiB is its limit`;
  }

  #overCpu(
    process: WatchedProcess,
    reader: ProcessReader,
    { processors, now }: { readonly processors: number; readonly now: number },
  ): string | null {
    if (now - this.#cpuLookedAt < CPU_EVERY_MS) return null;
    const passedMs = now - this.#cpuLookedAt;
    this.#cpuLookedAt = now;
    const seconds = reader.cpu(process.id);
    if (seconds === null) return null;
    const samples = this.#cpu;
    const last = samples.at(-1)?.seconds ?? seconds;
    samples.push({ at: now, seconds });
    // Whoever waits for a start would wait for all others' work.
    const share = process.isStarting === true
      ? 0
      : (seconds - last) * 1000 / passedMs;
    this.#rank(process, reader, share);
    while ((samples[1]?.at ?? now) <= now - CPU_WINDOW_MS) samples.shift();
    const used = seconds - (samples[0]?.seconds ?? 0);
    const most = processors * CPU_WINDOW_MS / 1000;
    // One thread that never rests uses a processor, and now and then a tick more.
    return used <= most * 1.05
      ? null
      : `its process used ${used.toFixed(1)} s of processor in ten seconds, ` +
        `and ${most} s is its limit`;
  }

  /** Lets it have what others leave from when it keeps a processor busy until it rests. */
  #rank(process: WatchedProcess, reader: ProcessReader, share: number): void {
    const now = this.#cpuLookedAt;
    this.#busyLooks = share >= BUSY_SHARE ? this.#busyLooks + 1 : 0;
    if (this.#busyLooks >= BUSY_LOOKS) {
      if (this.#loweredAt === null) {
        reader.lower(process.id);
        process.lower?.();
      }
      this.#loweredAt = now;
    } else if (this.#loweredAt !== null && now - this.#loweredAt >= REST_MS) {
      this.#loweredAt = null;
      reader.raise(process.id);
      process.raise?.();
    }
  }
}
