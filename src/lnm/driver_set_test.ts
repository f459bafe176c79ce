/**
 * What a node's drivers tell together of its machine.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Driver, Probe } from "../driver/driver.ts";
import { systemClock } from "../sys/clock.ts";
import { silentLog } from "../sys/log.ts";
import { DriverSet } from "./driver_set.ts";

const AWAY: Probe = { health: "unhealthy", reason: "no such socket" };

function having(cpus: number, memoryMiB: number): Probe {
  return {
    ...{ health: "healthy", version: "1", attributes: {} },
    machine: { cpus, memoryMiB },
  };
}

Deno.test("DriverSet tells the largest machine of its drivers, and one that does not answer takes nothing away", async () => {
  const probes: Record<string, Probe> = { xen: AWAY, libvirt: AWAY };
  const drivers = Object.keys(probes).map((name) =>
    [
      name,
      { name, probe: () => Promise.resolve(probes[name]) } as unknown as Driver,
    ] as const
  );
  const set = new DriverSet(new Map(drivers), [], systemClock, silentLog);
  const machine = async () => {
    await set.probe(new AbortController().signal);
    return set.machine;
  };
  strictEqual(await machine(), null);
  probes["xen"] = having(8, 64_000);
  probes["libvirt"] = having(2, 4000);
  const both = await machine();
  deepStrictEqual(both, { cpus: 8, memoryMiB: 64_000 });
  probes["xen"] = AWAY;
  strictEqual(await machine(), both);
  probes["xen"] = having(8, 32_000);
  deepStrictEqual(await machine(), { cpus: 8, memoryMiB: 32_000 });
});
