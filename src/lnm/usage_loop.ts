/**
 * Usage: counters read at intervals, sent as averages.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { DomainCounters } from "../driver/driver.ts";
import type { UpFrame } from "../schema/frame.ts";
import type { VmUsage } from "../schema/vm.ts";
import { type Clock, Deadline } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { DriverSet } from "./driver_set.ts";
import { DomainUsage, UsageMeter } from "./usage.ts";
import type { Counters } from "../sys/counters.ts";

/** So many VMs in one frame, to stay well below the limit of a line. */
const VMS_PER_FRAME = 1000;

/** What usage is collected with. */
export interface UsageParts {
  readonly drivers: DriverSet;
  readonly clock: Clock;
  readonly log: Log;
  /** How often it is read, in ms; looked up each time. */
  readonly usageMs: number;
  /** What the whole machine has used. */
  readonly machineCounters: () => Promise<Counters>;
  /** When the node's certificate ends, in ms since 1970; null where it has none. */
  readonly certificateEnd?: () => number | null;
}

/** Collects usage until `signal` aborts; `send` gets frames. */
export async function collectUsage(
  parts: UsageParts,
  send: (frame: Extract<UpFrame, { type: "usage" }>) => void,
  signal: AbortSignal,
): Promise<void> {
  const { drivers, clock, log, machineCounters } = parts;
  const node = new UsageMeter();
  const domains = new DomainUsage();
  while (!signal.aborted) {
    try {
      node.add(clock.monotonic(), await machineCounters());
      domains.update(
        clock.monotonic(),
        await countAll(drivers, clock, parts.usageMs, signal),
      );
      const end = parts.certificateEnd?.() ?? null;
      for (const frame of framesOf(node.usage(), domains.all(), end)) {
        send(frame);
      }
    } catch (error) {
      if (signal.aborted) return;
      log.debug("usage could not be read", { error: messageOf(error) });
    }
    await clock.sleep(parts.usageMs, signal).catch(() => {});
  }
}

async function countAll(
  drivers: DriverSet,
  clock: Clock,
  intervalMs: number,
  signal: AbortSignal,
): Promise<Map<string, DomainCounters>> {
  const all = new Map<string, DomainCounters>();
  using deadline = new Deadline(
    clock,
    Math.max(1000, intervalMs),
    "answer to the reading of counters",
    signal,
  );
  for (const driver of drivers.all()) {
    for (const [uid, counters] of await driver.counters(deadline.signal)) {
      all.set(uid, counters);
    }
  }
  return all;
}

function framesOf(
  node: VmUsage,
  vms: ReadonlyMap<string, VmUsage>,
  certificateEnd: number | null,
): Extract<UpFrame, { type: "usage" }>[] {
  const entries = [...vms];
  const frames: Extract<UpFrame, { type: "usage" }>[] = [];
  for (
    let from = 0;
    from === 0 || from < entries.length;
    from += VMS_PER_FRAME
  ) {
    const part = Object.fromEntries(entries.slice(from, from + VMS_PER_FRAME));
    const first = from === 0;
    const its = first ? { certificateEnd } : {};
    frames.push({ type: "usage", node, vms: part, first, ...its });
  }
  return frames;
}
