/**
 * Quotas: what counts when, and what is refused.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { QuotaLimits } from "../schema/quota.ts";
import {
  excessOf,
  Ledger,
  NOTHING_TAKEN,
  plus,
  QUOTA_PARTS,
  type Take,
  takenKnown,
} from "./quota.ts";

const FREE: QuotaLimits = { vms: null, vcpus: null, memory: null, disk: null };

Deno.test("takenKnown() counts disks that usher makes, and no image that was there", () => {
  const disk = (more: Record<string, unknown>) => ({
    format: "qcow2" as const,
    readonly: false,
    shared: false,
    ...more,
  });
  strictEqual(
    takenKnown({
      disks: [
        disk({ base: "/srv/a.qcow2", sizeMiB: 100 }),
        disk({ base: "/srv/b.qcow2" }),
        disk({ path: "/srv/c.qcow2", sizeMiB: 7 }),
      ],
    }).disk,
    100,
  );
});

Deno.test("excessOf() passes over a limit that is exceeded already when nothing of it is asked", () => {
  const used = { ...NOTHING_TAKEN, vcpus: 9, vms: 1 };
  const limits = { ...FREE, vcpus: 4, vms: 2 };
  strictEqual(excessOf({ ...NOTHING_TAKEN, vms: 1 }, used, limits), null);
  deepStrictEqual(
    excessOf({ ...NOTHING_TAKEN, vms: 1, vcpus: 1 }, used, limits),
    { part: "vcpus", used: 9, asked: 1, limit: 4 },
  );
});

const amounts = fc.record({
  vms: fc.nat(2),
  vcpus: fc.nat(4),
  memory: fc.nat(512),
  disk: fc.nat(64),
});
const limits = fc.record({
  vms: fc.option(fc.nat(10)),
  vcpus: fc.option(fc.nat(20)),
  memory: fc.option(fc.nat(2048)),
  disk: fc.option(fc.nat(256)),
});

Deno.test("a ledger never gives more than a limit, and takes nothing where it refuses", () => {
  fc.assert(fc.property(
    fc.tuple(limits, limits),
    amounts,
    fc.array(fc.tuple(amounts, fc.constantFrom(["ann"], ["ann", "lab.ann"])), {
      maxLength: 20,
    }),
    ([ofUser, ofCluster], before, asks) => {
      const ofWhom = (subject: string) =>
        subject === "ann" ? ofUser : ofCluster;
      const ledger = new Ledger(() => before, ofWhom);
      const sums = new Map<string, Take>();
      for (const [asked, subjects] of asks) {
        const refusal = ledger.take(subjects, asked);
        if (refusal !== null) {
          const sum = sums.get(refusal.subject) ?? NOTHING_TAKEN;
          strictEqual(refusal.used, before[refusal.part] + sum[refusal.part]);
          continue;
        }
        for (const subject of subjects) {
          const sum = plus(sums.get(subject) ?? NOTHING_TAKEN, asked);
          sums.set(subject, sum);
          for (const part of QUOTA_PARTS) {
            const limit = ofWhom(subject)[part];
            if (limit === null || asked[part] === 0) continue;
            strictEqual(before[part] + sum[part] <= limit, true);
          }
        }
      }
    },
  ));
});
