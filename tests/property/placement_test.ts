/**
 * What holds of every placement, on every site.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import * as fc from "fast-check";
import {
  MAX_VCPUS_PER_CPU,
  place,
  type PlacementNode,
  type PlacementWish,
  refusal,
} from "../../src/core/placement/place.ts";

const drivers = fc.subarray(["sim", "qemu", "xen"]);

const node = fc.record({
  ready: fc.boolean(),
  cpus: fc.integer({ min: 1, max: 16 }),
  memoryMiB: fc.integer({ min: 256, max: 16_384 }),
  drivers,
  share: fc.double({ min: 0, max: 1.2, noNaN: true }),
});

const nodes: fc.Arbitrary<PlacementNode[]> = fc.array(node, { maxLength: 8 })
  .map((all) =>
    all.map(({ share, ...its }, i) => ({
      ...its,
      name: `n${i}`,
      usedMiB: Math.floor(share * its.memoryMiB),
      usedCpus: 0,
    }))
  );

const wish: fc.Arbitrary<PlacementWish> = fc.record({
  driver: fc.constantFrom("sim", "qemu"),
  memoryMiB: fc.integer({ min: 16, max: 8192 }),
  vcpus: fc.integer({ min: 1, max: 64 }),
  on: fc.option(fc.constantFrom("n0", "n1", "nowhere"), {
    nil: undefined,
    freq: 5,
  }),
});

const wishes = fc.array(wish, { maxLength: 30 });

function copy(all: readonly PlacementNode[]): PlacementNode[] {
  return all.map((its) => ({ ...its }));
}

/** Runs a property over sites and wishes. */
function holds(
  check: (
    before: PlacementNode[],
    after: PlacementNode[],
    wishes: PlacementWish[],
  ) => void,
): void {
  fc.assert(
    fc.property(
      nodes,
      wishes,
      (before, wanted) => check(before, copy(before), wanted),
    ),
    { numRuns: 500 },
  );
}

Deno.test("place() never takes more memory than a node has", () => {
  holds((before, after, wanted) => {
    place(after, wanted);
    after.forEach((its, i) =>
      ok(
        its.usedMiB <= Math.max(its.memoryMiB, before[i]!.usedMiB),
        JSON.stringify(its),
      )
    );
  });
});

Deno.test("place() counts exactly what it placed", () => {
  holds((before, after, wanted) => {
    const placements = place(after, wanted);
    deepStrictEqual(placements.length, wanted.length);
    for (const [i, its] of after.entries()) {
      const here = wanted.filter((_, w) => {
        const placement = placements[w]!;
        return placement.type === "placed" && placement.node === its.name;
      });
      deepStrictEqual(
        its.usedMiB - before[i]!.usedMiB,
        here.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0),
      );
      deepStrictEqual(
        its.usedCpus - before[i]!.usedCpus,
        here.reduce((sum, { vcpus }) => sum + vcpus, 0),
      );
    }
  });
});

Deno.test("place() uses ready nodes with a healthy driver, and the one that was asked for", () => {
  holds((_, after, wanted) => {
    place(after, wanted).forEach((placement, i) => {
      if (placement.type === "refused") return;
      const { driver, on, vcpus } = wanted[i]!;
      const its = after.find(({ name }) => name === placement.node)!;
      ok(
        its.ready && its.drivers.includes(driver) &&
          its.cpus * MAX_VCPUS_PER_CPU >= vcpus,
      );
      ok(on === undefined || on === its.name);
    });
  });
});

Deno.test("place() refuses only what no node can take, and says for each why", () => {
  holds((_, after, wanted) => {
    for (const its of wanted) {
      const then = copy(after);
      const [placement] = place(after, [its]);
      if (placement?.type !== "refused") continue;
      deepStrictEqual(
        Object.keys(placement.refusals).sort(),
        then.map(({ name }) => name).sort(),
      );
      for (const candidate of then) {
        deepStrictEqual(
          placement.refusals[candidate.name],
          refusal(candidate, its),
        );
      }
      for (const why of Object.values(placement.refusals)) ok(why.length > 0);
    }
  });
});

Deno.test("place() decides a batch as it would decide one after another, and always the same", () => {
  holds((before, after, wanted) => {
    const oneByOne = copy(before);

    deepStrictEqual(
      place(after, wanted),
      wanted.flatMap((its) => place(oneByOne, [its])),
    );
    deepStrictEqual(after, oneByOne);
  });
});

Deno.test("place() spreads equal VMs over equal nodes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      (count, each) => {
        const equal = Array.from({ length: count }, (_, i): PlacementNode => ({
          name: `n${i}`,
          ready: true,
          cpus: 4,
          memoryMiB: 4096,
          drivers: ["sim"],
          usedMiB: 0,
          usedCpus: 0,
        }));
        place(
          equal,
          Array.from(
            { length: count * each },
            () => ({ driver: "sim", memoryMiB: 128, vcpus: 1 }),
          ),
        );
        deepStrictEqual(
          new Set(equal.map(({ usedMiB }) => usedMiB)),
          new Set([128 * each]),
        );
      },
    ),
  );
});
