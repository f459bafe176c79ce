/**
 * From counters to usage.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { NodeUsage } from "../schema/node.ts";
import { VmUsage } from "../schema/vm.ts";
import { DomainUsage, UsageMeter } from "./usage.ts";
import type { Counters } from "../sys/counters.ts";

const NOTHING: Counters = {
  cpuSeconds: 0,
  memoryMiB: 0,
  diskReadBytes: 0,
  diskWriteBytes: 0,
  netRxBytes: 0,
  netTxBytes: 0,
};

/** A meter fed with a steady `cpu` for each of `parts`, sampled every `everyMs`. */
function fed(
  parts: readonly { cpu: number; ms: number }[],
  everyMs: number,
): UsageMeter {
  const meter = new UsageMeter();
  let now = 1_000_000;
  let cpuSeconds = 0;
  meter.add(now, { ...NOTHING, cpuSeconds });
  for (const { cpu, ms } of parts) {
    for (const end = now + ms; now < end;) {
      const step = Math.min(everyMs, end - now);
      now += step;
      cpuSeconds += cpu * step / 1000;
      meter.add(now, { ...NOTHING, cpuSeconds });
    }
  }
  return meter;
}

Deno.test("UsageMeter knows no rate from one sample, but the memory", () => {
  const meter = new UsageMeter();
  deepStrictEqual(meter.usage().memoryMiB, null);

  meter.add(0, { ...NOTHING, memoryMiB: 200, cpuSeconds: 17 });

  deepStrictEqual(meter.usage(), {
    cpu: null,
    memoryMiB: 200,
    diskRead: null,
    diskWrite: null,
    netRx: null,
    netTx: null,
  });
});

Deno.test("UsageMeter tells a steady rate as it is, from the second sample on", () => {
  const meter = new UsageMeter();
  meter.add(5000, NOTHING);
  meter.add(7000, {
    cpuSeconds: 3,
    memoryMiB: 100,
    diskReadBytes: 2000,
    diskWriteBytes: 4000,
    netRxBytes: 6000,
    netTxBytes: 8000,
  });

  const same = (value: number) => ({ m1: value, m5: value, m15: value });
  deepStrictEqual(meter.usage(), {
    cpu: same(1.5),
    memoryMiB: 100,
    diskRead: same(1000),
    diskWrite: same(2000),
    netRx: same(3000),
    netTx: same(4000),
  });
  for (const everyMs of [250, 1000, 7000, 60_000]) {
    const { cpu } = fed([{ cpu: 0.7, ms: 600_000 }], everyMs).usage();
    deepStrictEqual(cpu, same(0.7));
  }
});

Deno.test("UsageMeter damps by time and not by the number of samples", () => {
  const parts = [{ cpu: 2, ms: 36_000_000 }, { cpu: 0, ms: 60_000 }];

  const often = fed(parts, 500).usage().cpu;
  const seldom = fed(parts, 30_000).usage().cpu;

  deepStrictEqual(often, seldom);
  // One span after the rate fell to nothing, a part 1/e of it is left.
  deepStrictEqual(often, {
    m1: Math.round(2000 * Math.exp(-1)) / 1000,
    m5: Math.round(2000 * Math.exp(-1 / 5)) / 1000,
    m15: Math.round(2000 * Math.exp(-1 / 15)) / 1000,
  });
});

Deno.test("UsageMeter weighs a burst over the short span more than over the long", () => {
  const { cpu } = fed([{ cpu: 0, ms: 900_000 }, { cpu: 1, ms: 30_000 }], 5000)
    .usage();

  ok(
    cpu !== null && cpu.m1 > cpu.m5 && cpu.m5 > cpu.m15 && cpu.m15 > 0,
    JSON.stringify(cpu),
  );
});

Deno.test("UsageMeter takes counters that went back as counted anew from nothing", () => {
  const meter = new UsageMeter();
  meter.add(0, { ...NOTHING, cpuSeconds: 100, netRxBytes: 10 });
  // The new run has received more than the old one: only the cpu tells that it is new.
  meter.add(1000, { ...NOTHING, cpuSeconds: 1, netRxBytes: 500 });

  const { cpu, netRx } = meter.usage();
  deepStrictEqual([cpu?.m1, netRx?.m1], [1, 500]);
});

Deno.test("UsageMeter passes over samples that no time lies between", () => {
  const meter = new UsageMeter();
  meter.add(1000, NOTHING);
  meter.add(1000, { ...NOTHING, cpuSeconds: 5 });
  meter.add(500, { ...NOTHING, cpuSeconds: 9 });
  meter.add(2000, { ...NOTHING, cpuSeconds: 1 });

  deepStrictEqual(meter.usage().cpu?.m1, 1);
});

Deno.test("UsageMeter keeps null what is not counted, and goes on when it is again", () => {
  const meter = new UsageMeter();
  meter.add(0, { ...NOTHING, netRxBytes: null });
  meter.add(1000, { ...NOTHING, netRxBytes: null });
  deepStrictEqual(meter.usage().netRx, null);
  deepStrictEqual(meter.usage().netTx?.m1, 0);

  meter.add(2000, { ...NOTHING, netRxBytes: 50 });
  deepStrictEqual(meter.usage().netRx, null);
  meter.add(3000, { ...NOTHING, netRxBytes: 70 });
  deepStrictEqual(meter.usage().netRx?.m1, 20);
});

Deno.test("DomainUsage forgets a domain that vanished, and starts anew when it is back", () => {
  const usage = new DomainUsage();
  usage.update(0, new Map([["a", NOTHING], ["b", NOTHING]]));
  usage.update(
    1000,
    new Map([["a", { ...NOTHING, cpuSeconds: 1 }], ["b", NOTHING]]),
  );
  deepStrictEqual([...usage.all().keys()], ["a", "b"]);

  usage.update(2000, new Map([["b", NOTHING]]));
  deepStrictEqual(usage.of("a"), null);
  deepStrictEqual([...usage.all().keys()], ["b"]);
  usage.update(
    3000,
    new Map([["a", { ...NOTHING, cpuSeconds: 900 }], ["b", NOTHING]]),
  );

  deepStrictEqual(usage.of("a")?.cpu, null);
  deepStrictEqual(usage.of("b")?.cpu?.m1, 0);
});

Deno.test("usage has the shape that VMs and nodes have on the wire", () => {
  const usage = fed([{ cpu: 1, ms: 5000 }], 1000).usage();

  deepStrictEqual(VmUsage.parse(usage), usage);
  deepStrictEqual(NodeUsage.parse(usage), usage);
});
