import { strictEqual } from "node:assert/strict";
import { Offer } from "./record.ts";

Deno.test("an offer of an older usher, which says nothing of the memory, is read", () => {
  const offer = Offer.parse({
    ...{ spec: null, machine: "pc", accel: "kvm", cpu: null },
    ...{ paused: false, ending: null, disks: [], fixed: {} },
  });
  strictEqual(offer.memoryKiB, null);
});
