/**
 * The bounds of memory and processor of the processes that run plugins, kept
 * from outside: a bound that a runtime sets for itself is lifted by whoever
 * breaks it, and running out of memory ends a process without a word.
 *
 * Memory is what a process has to itself, looked at every 50 ms while it works
 * and every second while it does not. Whoever passes a bound is to be killed
 * at once; between two looks a process can grow by some 200 MiB.
 *
 * @module
 */
import type { PluginLimits } from "../schema/plugin.ts";
import type { Clock } from "../sys/clock.ts";
import {
  type ProcessId,
  readLiving,
  readOwnBytes,
} from "../sys/process_table.ts";

/** How often a process is looked at while it works. */
export const BUSY_MS = 50;
/** And while it does not. */
export const IDLE_MS = 1000;
/** The time over which the use of processors is averaged. */
export const CPU_WINDOW_MS = 10_000;

const CPU_EVERY_MS = 500;
const MIB = 1024 * 1024;

/** A process that is watched. */
export interface Watched {
  readonly id: ProcessId;
  readonly limits: Pick<PluginLimits, "memory" | "cpu">;
  /** Whether it is at work, so that it is looked at often. */
  isBusy(): boolean;
  /** It has passed a bound, and is not watched any more. */
  passed(reason: string): void;
}

/** One process under watch; disposing of it ends that. */
export interface Watch extends Disposable {
  /** As it was at the last look; null before the first. */
  readonly memoryMiB: number | null;
}

/** Where the figures come from. */
export interface ProcessReader {
  /** Bytes that it has to itself; null when it is gone. */
  memory(id: ProcessId): number | null;
  /** Seconds of processor that it has used; null when it is gone. */
  cpu(id: ProcessId): number | null;
}

/** /proc, as it is. */
export const PROC_READER: ProcessReader = {
  memory: ({ pid }) => readOwnBytes(pid),
  cpu: (id) => readLiving(id)?.cpuSeconds ?? null,
};

/** Watches processes by one timer, which costs nothing while there are none. */
export class LimitWatch implements Disposable {
  readonly #clock: Clock;
  readonly #reader: ProcessReader;
  readonly #entries = new Set<Entry>();
  #timer: Disposable | null = null;
  /** Whether the timer that runs is the slow one. */
  #isIdle = false;

  constructor(clock: Clock, reader: ProcessReader = PROC_READER) {
    this.#clock = clock;
    this.#reader = reader;
  }

  /** Begins to watch a process, which is looked at within `BUSY_MS`. */
  watch(process: Watched): Watch {
    const entry = new Entry(process, this.#clock.monotonic());
    this.#entries.add(entry);
    this.wake();
    const forget = () => this.#forget(entry);
    return {
      get memoryMiB() {
        return entry.memoryMiB;
      },
      [Symbol.dispose]: forget,
    };
  }

  /** A process begins to work: it is looked at soon. Costs nothing when one works already. */
  wake(): void {
    if (this.#timer !== null && !this.#isIdle) return;
    this.#arm(false);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#entries.clear();
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry);
    if (this.#entries.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
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
    let isIdle = true;
    for (const entry of [...this.#entries]) {
      const isBusy = entry.process.isBusy();
      if (isBusy) isIdle = false;
      else if (now - entry.lookedAt < IDLE_MS - BUSY_MS) continue;
      const reason = entry.look(this.#reader, now);
      if (reason === null) continue;
      this.#entries.delete(entry);
      entry.process.passed(reason);
    }
    if (this.#entries.size > 0 && this.#timer === null) this.#arm(isIdle);
  }
}

/** What is known of one process. */
class Entry {
  memoryMiB: number | null = null;
  lookedAt = -Infinity;
  #cpuLookedAt = -Infinity;
  /** Oldest first; the first is as old as the window, or the process. */
  readonly #cpu: { readonly at: number; readonly seconds: number }[];

  constructor(readonly process: Watched, now: number) {
    this.#cpu = [{ at: now, seconds: 0 }];
  }

  /** Why it is to be killed, or null. */
  look(reader: ProcessReader, now: number): string | null {
    this.lookedAt = now;
    return this.#lookAtMemory(reader) ?? this.#lookAtCpu(reader, now);
  }

  #lookAtMemory(reader: ProcessReader): string | null {
    const { id, limits } = this.process;
    const bytes = reader.memory(id);
    if (bytes === null) return null; // it has ended, and its owner is told
    this.memoryMiB = Math.round(bytes / MIB);
    return this.memoryMiB <= limits.memory
      ? null
      : `it has ${this.memoryMiB} MiB of memory, and ${limits.memory} MiB is its limit`;
  }

  #lookAtCpu(reader: ProcessReader, now: number): string | null {
    if (now - this.#cpuLookedAt < CPU_EVERY_MS) return null;
    this.#cpuLookedAt = now;
    const { id, limits } = this.process;
    const seconds = reader.cpu(id);
    if (seconds === null) return null;
    const samples = this.#cpu;
    samples.push({ at: now, seconds });
    while ((samples[1]?.at ?? now) <= now - CPU_WINDOW_MS) samples.shift();
    const used = seconds - samples[0]!.seconds;
    const most = limits.cpu * CPU_WINDOW_MS / 1000;
    // One thread that never rests uses a processor and now and then a tick more.
    return used <= most * 1.05
      ? null
      : `it used ${
        used.toFixed(1)
      } s of processor in ten seconds, and ${most} s is its limit`;
  }
}
