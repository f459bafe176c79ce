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
