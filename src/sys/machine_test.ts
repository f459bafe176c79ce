/**
 * Reading the machine, on texts of real kernels.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import {
  bootId,
  countCpus,
  hostname,
  machineCapacity,
  machineCounters,
  parseCpuSeconds,
  parseDiskstats,
  parseMeminfo,
  parseNetDev,
} from "./machine.ts";

const STAT = `cpu  1000 200 300 90000 500 10 20 70 999 0
cpu0 500 100 150 45000 250 5 10 35 0 0
cpu1 500 100 150 45000 250 5 10 35 0 0
intr 12345 0 1
ctxt 99
`;

const MEMINFO = `MemTotal:        4026532 kB
MemFree:          100000 kB
MemAvailable:    3002532 kB
Buffers:           12345 kB
`;

const DISKSTATS = `   7       0 loop0 11 0 28 0 0 0 0 0 0 4 0 0 0 0 0 0 0
 253       0 vda 1000 5 2000 30 400 6 5000 70 0 80 90 0 0 0 0 0 0
 253       1 vda1 900 5 1900 30 400 6 5000 70 0 80 90
 259       0 nvme0n1 10 0 8 1 10 0 16 1 0 1 1
 259       1 nvme0n1p1 10 0 8 1 10 0 16 1 0 1 1
 252       0 dm-0 1000 5 2000 30 400 6 5000 70 0 80 90
`;

const NET_DEV =
  `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 7777777    100    0    0    0     0          0         0  7777777    100    0    0    0     0       0          0
  eth0:1000     10    0    0    0     0          0         0     2000     20    0    0    0     0       0          0
 wlan0:   50      1    0    0    0     0          0         0       60      1    0    0    0     0       0          0
`;

Deno.test("parseCpuSeconds() counts what ran, not what waited or was stolen", () => {
  deepStrictEqual(
    parseCpuSeconds(STAT),
    (1000 + 200 + 300 + 10 + 20) / 100,
  );
  deepStrictEqual(parseCpuSeconds("intr 1\n"), null);
});

Deno.test("countCpus() counts processors and not their sum", () => {
  deepStrictEqual(countCpus(STAT), 2);
  deepStrictEqual(countCpus(""), 0);
});

Deno.test("parseMeminfo() counts memory as used unless it is available", () => {
  deepStrictEqual(parseMeminfo(MEMINFO), { totalMiB: 3932, usedMiB: 1000 });
  deepStrictEqual(parseMeminfo("MemTotal: 12 kB\n"), null);
});

Deno.test("parseDiskstats() sums whole disks, without partitions, loops and mappings", () => {
  deepStrictEqual(parseDiskstats(DISKSTATS), {
    readBytes: 512 * (2000 + 8),
    writeBytes: 512 * (5000 + 16),
  });
  deepStrictEqual(parseDiskstats("   7       0 loop0 11 0 28 0 0 0 0 0"), null);
});

Deno.test("parseNetDev() sums interfaces without the loopback", () => {
  deepStrictEqual(parseNetDev(NET_DEV), { rxBytes: 1050, txBytes: 2060 });
  deepStrictEqual(parseNetDev(""), null);
});

Deno.test("the machine that runs the tests describes itself", async () => {
  const capacity = await machineCapacity();
  const counters = await machineCounters();

  ok(capacity.cpus >= 1 && capacity.memoryMiB > 64, JSON.stringify(capacity));
  ok((counters.cpuSeconds ?? 0) > 0, "no cpu seconds");
  ok((counters.memoryMiB ?? 0) > 0, "no memory in use");
  ok((counters.memoryMiB ?? 0) <= capacity.memoryMiB);
  match(await bootId() ?? "", /^[0-9a-f-]{36}$/);
  match(hostname(), /\S/);
});
