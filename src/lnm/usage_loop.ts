/**
 * Usage: counters read at intervals, sent as averages.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { Driver } from "../driver/driver.ts";
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

/**
 * Collects usage until `signal` aborts; `send` gets frames. Who cannot be asked,
 * be it the machine or one of the drivers, takes nothing from what others tell.
 */
export async function collectUsage(
  parts: UsageParts,
  send: (frame: Extract<UpFrame, { type: "usage" }>) => void,
  signal: AbortSignal,
): Promise<void> {
  const { drivers, clock } = parts;
  const node = new UsageMeter();
  const meters = [...drivers.all()].map((driver) => ({
    driver,
    usage: new DomainUsage(),
  }));
  while (!signal.aborted) {
    const [found] = await Promise.all([
      Promise.all(meters.map((meter) => readDomains(parts, meter, signal))),
      readMachine(parts, node, signal),
    ]);
    if (signal.aborted) return;
    const vms = new Map(found.flatMap((usage) => [...usage]));
    const end = parts.certificateEnd?.() ?? null;
    for (const frame of framesOf(node.usage(), vms, end)) send(frame);
    await clock.sleep(parts.usageMs, signal).catch(() => {});
  }
}

interface Meters {
  readonly driver: Driver;
  readonly usage: DomainUsage;
}

async function readMachine(
  { clock, log, drivers, machineCounters, usageMs }: UsageParts,
  node: UsageMeter,
  signal: AbortSignal,
): Promise<void> {
  using deadline = readingOf("the machine", clock, usageMs, signal);
  try {
    const seen = await machineCounters();
    const told = await drivers.machineCounters(deadline.signal);
    node.add(clock.monotonic(), { ...seen, ...told });
  } catch (error) {
    log.debug("the machine's usage could not be read", {
      error: messageOf(error),
    });
  }
}

/** The usage of a driver's domains; of none while it cannot be asked. */
async function readDomains(
  { clock, log, usageMs }: UsageParts,
  { driver, usage }: Meters,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VmUsage>> {
  const whose = `the domains of driver "${driver.name}"`;
  using deadline = readingOf(whose, clock, usageMs, signal);
  try {
    const counters = await driver.counters(deadline.signal);
    usage.update(clock.monotonic(), counters);
    return usage.all();
  } catch (error) {
    log.debug("the usage of domains could not be read", {
      driver: driver.name,
      error: messageOf(error),
    });
    return new Map();
  }
}

function readingOf(
  whose: string,
  clock: Clock,
  usageMs: number,
  signal: AbortSignal,
): Deadline {
  const ms = Math.max(1000, usageMs);
  return new Deadline(clock, ms, `reading of the counters of ${whose}`, signal);
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
