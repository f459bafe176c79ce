/**
 * Made-up usage: every domain has rates of its own, drawn from its uid unless
 * a knob says otherwise, and its counters are those rates times how long it ran. So the same domain at
 * the same moment always tells the same, and counters never go back.
 *
 * @module
 */
import type { DomainCounters } from "../driver.ts";
import type { SimDomain } from "./domain_record.ts";

/** The counters of `domain` at `now`. */
export function countersOf(domain: SimDomain, now: number): DomainCounters {
  const { uid, vcpus = 1, memoryMiB = 0, disks, nics, knobs } = domain;
  const paused = domain.pausedMs +
    (domain.pausedAt === null ? 0 : now - domain.pausedAt);
  const seconds = Math.max(0, now - domain.startedAt - paused) / 1000;
  const seed = hash(uid ?? domain.domain);
  const load = knobs.cpuLoad ?? 0.02 + 0.9 * fraction(seed, 1);
  return {
    cpuSeconds: vcpus * seconds * load,
    memoryMiB: Math.round(memoryMiB * (0.3 + 0.6 * fraction(seed, 2))),
    diskReadBytes: disks * Math.floor(seconds * 1e6 * fraction(seed, 3)),
    diskWriteBytes: disks * Math.floor(seconds * 1e6 * fraction(seed, 4)),
    netRxBytes: nics * Math.floor(seconds * 1e5 * fraction(seed, 5)),
    netTxBytes: nics * Math.floor(seconds * 1e5 * fraction(seed, 6)),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}

/** A number from 0 to 1 that depends on `seed` and `which` alone. */
function fraction(seed: number, which: number): number {
  const mixed = Math.imul(seed ^ Math.imul(which, 0x9e3779b9), 0x85ebca6b);
  return (mixed >>> 16) / 0xffff;
}
