/**
 * Where VMs go, and what is said when they go nowhere.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  MAX_VCPUS_PER_CPU,
  place,
  type PlacementNode,
  type PlacementWish,
  refusal,
} from "./place.ts";

function node(name: string, more: Partial<PlacementNode> = {}): PlacementNode {
  return {
    name,
    ready: true,
    cpus: 4,
    memoryMiB: 1000,
    drivers: ["qemu"],
    usedMiB: 0,
    usedCpus: 0,
    ...more,
  };
}

function wish(more: Partial<PlacementWish> = {}): PlacementWish {
  return { driver: "qemu", memoryMiB: 100, vcpus: 1, ...more };
}

Deno.test("refusal() says the first thing that is in the way, in figures", () => {
  const cases: [
    Partial<PlacementNode>,
    Partial<PlacementWish>,
    string | null,
  ][] = [
    [{}, {}, null],
    [{}, { on: "n1" }, null],
    [{}, { on: "n2" }, 'the request asks for node "n2"'],
    [{ ready: false }, {}, "out of reach"],
    [
      { drivers: [] },
      {},
      'driver "qemu" is not healthy there (healthy: none)',
    ],
    [
      { drivers: ["sim", "xen"] },
      {},
      'driver "qemu" is not healthy there (healthy: sim, xen)',
    ],
    [{}, { vcpus: 4 * MAX_VCPUS_PER_CPU }, null],
    [
      {},
      { vcpus: 33 },
      "needs 33 vcpus; at most 32 in one VM on its 4 processors",
    ],
    [{ usedMiB: 900 }, {}, null],
    [
      { usedMiB: 901 },
      {},
      "needs 100 MiB, 99 of 1000 MiB are free",
    ],
    [
      { usedMiB: 1500 },
      {},
      "needs 100 MiB, 0 of 1000 MiB are free",
    ],
  ];
  for (const [its, wanted, expected] of cases) {
    strictEqual(refusal(node("n1", its), wish(wanted)), expected);
  }
});

Deno.test("place() takes the node with the largest share of memory left, the first of equals", () => {
  const nodes = [
    node("a", { usedMiB: 500 }),
    node("b", { memoryMiB: 4000, usedMiB: 2500 }),
    node("c", { usedMiB: 100, ready: false }),
  ];
  deepStrictEqual(place(nodes, [wish()]), [{ type: "placed", node: "a" }]);
  deepStrictEqual(place([node("x"), node("y")], [wish()]), [
    { type: "placed", node: "x" },
  ]);
});

Deno.test("place() sees in a batch what the ones before took", () => {
  const nodes = [node("a"), node("b")];
  const placed = place(nodes, Array(20).fill(wish()));
  deepStrictEqual(placed, [
    ...Array.from(
      { length: 20 },
      (_, i) => ({ type: "placed", node: i % 2 === 0 ? "a" : "b" }),
    ),
  ]);
  deepStrictEqual(nodes.map(({ usedMiB, usedCpus }) => [usedMiB, usedCpus]), [
    [1000, 10],
    [1000, 10],
  ]);
  strictEqual(place(nodes, [wish()])[0]?.type, "refused");
});

Deno.test("place() says of each node why not, but of no more than some", () => {
  const few = place([node("a", { ready: false }), node("b")], [
    wish({ memoryMiB: 2000 }),
  ]);
  deepStrictEqual(few, [{
    type: "refused",
    refusals: {
      a: "out of reach",
      b: "needs 2000 MiB, 1000 of 1000 MiB are free",
    },
  }]);
  const nodes = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
  const [many] = place(nodes, [wish({ driver: "xen" })]);
  strictEqual(
    many?.type === "refused" ? Object.keys(many.refusals).length : 0,
    32,
  );
  deepStrictEqual(place([], [wish()]), [{ type: "refused", refusals: {} }]);
});
