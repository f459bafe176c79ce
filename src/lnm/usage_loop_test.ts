/**
 * Usage as it is sent: who cannot be asked takes nothing from what others tell.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import type { Driver } from "../driver/driver.ts";
import type { UpFrame } from "../schema/frame.ts";
import { systemClock } from "../sys/clock.ts";
import type { Counters } from "../sys/counters.ts";
import { silentLog } from "../sys/log.ts";
import { DriverSet } from "./driver_set.ts";
import { collectUsage } from "./usage_loop.ts";

const COUNTERS: Counters = {
  cpuSeconds: 1,
  memoryMiB: 64,
  diskReadBytes: 0,
  diskWriteBytes: 0,
  netRxBytes: 0,
  netTxBytes: 0,
};

function driverOf(name: string, counters: Driver["counters"]): Driver {
  return { name, counters } as unknown as Driver;
}

Deno.test("collectUsage() tells of the domains of one driver while another hangs and a third fails, and while the machine cannot be read", async () => {
  const over = new AbortController();
  const drivers = new Map([
    driverOf(
      "hangs",
      (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        ),
    ),
    driverOf("fails", () => Promise.reject(new Error("no such socket"))),
    driverOf("works", () => Promise.resolve(new Map([["uid", COUNTERS]]))),
  ].map((driver) => [driver.name, driver]));
  const { promise: told, resolve: tell } = Promise.withResolvers<
    Extract<UpFrame, { type: "usage" }>
  >();
  const loop = collectUsage(
    {
      drivers: new DriverSet(drivers, [], systemClock, silentLog),
      clock: {
        ...systemClock,
        // The deadline of what hangs is long.
        after: (ms, run) => systemClock.after(ms / 100, run),
      },
      log: silentLog,
      usageMs: 1000,
      machineCounters: () => Promise.reject(new Error("no /proc")),
    },
    tell,
    over.signal,
  );

  const { vms, node } = await told;

  over.abort();
  await loop;
  deepStrictEqual(Object.keys(vms), ["uid"]);
  deepStrictEqual(vms["uid"]?.memoryMiB, 64);
  deepStrictEqual(node.memoryMiB, null);
});

Deno.test("collectUsage() tells what a driver counts of the machine in place of what its own system sees, and nothing else while that driver cannot tell", async () => {
  const over = new AbortController();
  const answers = [{ memoryMiB: 9000 }, new Error("xl hangs")];
  const xen = {
    name: "xen",
    probe: () =>
      Promise.resolve({
        ...{ health: "healthy", version: "4.17", attributes: {} },
        machine: { cpus: 8, memoryMiB: 16_000 },
      }),
    counters: () => Promise.resolve(new Map()),
    machineCounters: () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve(answer);
    },
  } as unknown as Driver;
  const drivers = new DriverSet(
    new Map([["xen", xen]]),
    [],
    systemClock,
    silentLog,
  );
  await drivers.probe(over.signal);
  const told: (number | null)[] = [];
  await collectUsage(
    {
      drivers,
      clock: systemClock,
      log: silentLog,
      usageMs: 1,
      machineCounters: () => Promise.resolve({ ...COUNTERS, memoryMiB: 512 }),
    },
    ({ node }) => {
      told.push(node.memoryMiB);
      if (told.length === 3) over.abort();
    },
    over.signal,
  );

  deepStrictEqual(told, [9000, 9000, 9000]);
});
