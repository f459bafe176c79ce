/**
 * Every filter: what it admits, and what it says of what it does not.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FilterName } from "../../schema/placement.ts";
import {
  type Constraints,
  driverReport,
  pictureOf,
  placementNode,
  residentAt,
  wishFor,
} from "../../../tests/support/placement.ts";
import { askFor } from "./ask.ts";
import { refusalOf } from "./explain.ts";
import { FILTERS } from "./filters.ts";
import type { Resident } from "./neighbours.ts";
import type { PlacementNode } from "./picture.ts";
import type { Wish } from "./wish.ts";

interface Case {
  readonly node?: Partial<PlacementNode>;
  readonly residents?: readonly Resident[];
  readonly wish?: Partial<Wish>;
  readonly constraints?: Constraints;
}

/** What node n1 says to VM "web": `filters: why; change`, or null. */
function said({ node, residents, wish, constraints }: Case): string | null {
  const nodes = [placementNode("n1", node), placementNode("n2")];
  const picture = pictureOf(nodes, residents);
  const ask = askFor(picture, wishFor("web", wish, constraints));
  const place = picture.place("n1");
  if (place === undefined) throw new Error("n1 is missing");
  const refusal = refusalOf(place, ask);
  return refusal &&
    `${refusal.filters.join("+")}: ${refusal.why}; ${refusal.change}`;
}

function check(cases: readonly (readonly [Case, string | null])[]): void {
  for (const [its, expected] of cases) {
    strictEqual(said(its), expected, JSON.stringify(its));
  }
}

Deno.test("on and away keep to the nodes that were asked for", () => {
  check([
    [{}, null],
    [{ wish: { on: "n1" } }, null],
    [
      { wish: { on: "n2" } },
      'on: the request asks for node "n2"; leave the node out, or name this one',
    ],
    [{ wish: { exclude: ["n2"] } }, null],
    [
      { wish: { exclude: ["n1"] } },
      "away: not this one: it was tried, or the VM leaves it; ",
    ],
  ]);
});

Deno.test("reach and draining keep to nodes that take new VMs", () => {
  const since = "2026-01-01T00:00:00.000Z";
  check([
    [
      { node: { state: "silent" } },
      `reach: out of reach: silent since ${since}; bring its LNM back, or its machine`,
    ],
    [
      { node: { state: "dead" } },
      `reach: out of reach: dead since ${since}; let it join again`,
    ],
    [
      { node: { draining: true } },
      'draining: it is being drained; end that with "usher node undrain n1"',
    ],
    [{ node: { draining: true }, wish: { waived: ["draining"] } }, null],
  ]);
});

Deno.test("driver wants one that works there, and names those that do", () => {
  const kvm = driverReport("qemu", "unhealthy", "no /dev/kvm");
  check([
    [
      { wish: { driver: "xen" } },
      "driver: driver xen: not installed there; install driver xen, or use one that it has: sim",
    ],
    [
      { node: { drivers: [] } },
      "driver: driver sim: not installed there; install driver sim",
    ],
    [
      { node: { drivers: [kvm] }, wish: { driver: "qemu" } },
      "driver: driver qemu does not work there: no /dev/kvm; mend driver qemu",
    ],
    [
      {
        node: { drivers: [driverReport("qemu", "undetected")] },
        wish: { driver: "qemu" },
      },
      "driver: driver qemu: not installed there; install driver qemu",
    ],
  ]);
});

Deno.test("ability wants what the driver that works can do besides", () => {
  const mover = { ...driverReport("sim"), abilities: ["migration"] };
  const wish = { abilities: ["migration", "pausing"] };
  check([
    [{ node: { drivers: [mover] }, wish: { abilities: ["migration"] } }, null],
    [
      { node: { drivers: [mover] }, wish },
      "ability: driver sim there lacks pausing; ",
    ],
    [
      { node: { drivers: [] }, wish },
      "driver: driver sim: not installed there; install driver sim",
    ],
  ]);
});

Deno.test("labels must be there with their value, and be a node's own", () => {
  const zone = { nodeLabels: { zone: "a" } };
  check([
    [{ node: { labels: { zone: "a", x: "y" } }, constraints: zone }, null],
    [
      { constraints: zone },
      "labels: label zone=a is missing; set zone=a in its lnm.yaml, or do not ask for it",
    ],
    [
      {
        node: { labels: { zone: "b" } },
        constraints: { nodeLabels: { zone: "a", ssd: "1" } },
      },
      'labels: label zone is "b", not "a", label ssd=1 is missing; set zone=a, ssd=1 in its lnm.yaml, or do not ask for it',
    ],
    [
      { constraints: { nodeLabels: { constructor: "x" } } },
      "labels: label constructor=x is missing; set constructor=x in its lnm.yaml, or do not ask for it",
    ],
    [{ constraints: zone, wish: { waived: ["labels"] } }, null],
  ]);
});

Deno.test("processors bound one VM, vcpus all of them", () => {
  check([
    [{ wish: { vcpus: 32 } }, null],
    [
      { wish: { vcpus: 33 } },
      "processors: needs 33 vcpus: one VM may have 32 on its 4 processors; ask for 32 vcpus or fewer",
    ],
    [
      {
        node: { overcommit: { memory: 1, cpus: 1 } },
        residents: [residentAt("n1", "db", { vcpus: 3 })],
        wish: { vcpus: 2 },
      },
      "vcpus: needs 1 vcpus more: 1 of 4 vcpus are free; ask for 1 vcpus or fewer, or move db (3 vcpus) away",
    ],
    [
      { node: { overcommit: { memory: 1, cpus: 0.5 } }, wish: { vcpus: 2 } },
      null,
    ],
  ]);
});

Deno.test("memory counts what is on, times the overcommit, and itself once", () => {
  const db = residentAt("n1", "db", { memoryMiB: 900 });
  check([
    [{ residents: [db] }, null],
    [
      { residents: [db], wish: { memoryMiB: 101 } },
      "memory: needs 1 MiB more: 100 of 1000 MiB are free; ask for 100 MiB or fewer, or move db (900 MiB) away",
    ],
    [{ residents: [{ ...db, on: false }], wish: { memoryMiB: 1000 } }, null],
    [{
      residents: [db],
      node: { overcommit: { memory: 1.5, cpus: 16 } },
      wish: { memoryMiB: 600 },
    }, null],
    [{
      residents: [residentAt("n1", "web", { memoryMiB: 600 })],
      wish: { memoryMiB: 1000 },
    }, null],
    [{
      residents: [residentAt("n1", "db.lab.bob", { memoryMiB: 990 })],
      wish: { memoryMiB: 20 },
    }, "memory: needs 10 MiB more: 10 of 1000 MiB are free; free 10 MiB there"],
    [
      { wish: { memoryMiB: 2000 } },
      "memory: needs 1000 MiB more: 1000 of 1000 MiB are free; ask for 1000 MiB or fewer",
    ],
    [
      {
        residents: [
          residentAt("n1", "a", { memoryMiB: 200 }),
          // Of another cluster, which who reads this may not see.
          residentAt("n1", "b.lab.ann", { memoryMiB: 100 }),
          residentAt("n1", "c", { memoryMiB: 690 }),
        ],
        wish: { memoryMiB: 64 },
      },
      "memory: needs 54 MiB more: 10 of 1000 MiB are free; move a (200 MiB) away",
    ],
  ]);
});

Deno.test("apart works both ways, among VMs of one owner, on or off", () => {
  const db = residentAt("n1", "db", { on: false });
  const shy = residentAt("n1", "shy", { apartFrom: ["w*"] });
  check([
    [
      { residents: [db], constraints: { apartFrom: ["db"] } },
      'apart: must be apart from "db": db is there; move db away',
    ],
    [{
      residents: [residentAt("n2", "db")],
      constraints: { apartFrom: ["db"] },
    }, null],
    [{
      residents: [residentAt("n1", "db.default.bob")],
      constraints: { apartFrom: ["db", "*"] },
    }, null],
    [
      { residents: [shy] },
      'apart: VMs there keep apart from "w*": shy is there; move shy away',
    ],
    [
      { residents: [{ ...shy, apartFrom: ["web.default"] }] },
      'apart: VMs there keep apart from "web.default": shy is there; move shy away',
    ],
    [{ residents: [{ ...shy, apartFrom: ["x*", "web.lab"] }] }, null],
    [{
      residents: [residentAt("n1", "web", { apartFrom: ["web*"] })],
      constraints: { apartFrom: ["web*"] },
    }, null],
    [{ residents: [shy], wish: { waived: ["apart"] } }, null],
    [
      {
        residents: ["a", "b", "c", "d", "e"].map((it) =>
          residentAt("n1", `w${it}`)
        ),
        constraints: { apartFrom: ["w*"] },
      },
      'apart: must be apart from "w*": wa, wb, wc and 2 more are there; move wa, wb, wc and 2 more away',
    ],
  ]);
});

Deno.test("VMs of other clusters are counted and not named, where they keep apart and where they must be together", () => {
  const far = ["key.vault.ann", "pin.vault.ann"].map((it) =>
    residentAt("n2", it)
  );
  const here = far.map((it) => ({ ...it, nodes: ["n1"] }));
  const near = residentAt("n1", "key");
  check([
    [
      { residents: here, constraints: { apartFrom: ["*.*"] } },
      'apart: must be apart from "*.*": 2 VMs of other clusters are there; move 2 VMs of other clusters away',
    ],
    [
      {
        residents: [near, ...here.slice(1)],
        constraints: { apartFrom: ["*.*"] },
      },
      'apart: must be apart from "*.*": key and a VM of another cluster are there; move key and a VM of another cluster away',
    ],
    [
      { residents: far.slice(1), constraints: { togetherWith: ["*.vault"] } },
      'together: must be together with "*.vault", which is elsewhere: a VM of another cluster; move "*.vault" here',
    ],
  ]);
});

Deno.test("together needs one VM of each pattern there", () => {
  check([
    [
      { constraints: { togetherWith: ["db"] } },
      'together: must be together with "db", which lies on no node; start "db" in the same request, or before',
    ],
    [
      {
        residents: [residentAt("n2", "db")],
        constraints: { togetherWith: ["db"] },
      },
      'together: must be together with "db", which is elsewhere: db on n2; move "db" here',
    ],
    [{
      residents: [residentAt("n2", "db-1"), residentAt("n1", "db-2")],
      constraints: { togetherWith: ["db-*", "db-?.default"] },
    }, null],
    // The first of its kind.
    [{ constraints: { togetherWith: ["web", "w*"] } }, null],
    [
      {
        residents: [residentAt("n2", "wine")],
        constraints: { togetherWith: ["w*"] },
      },
      'together: must be together with "w*", which is elsewhere: wine on n2; move "w*" here',
    ],
  ]);
});

Deno.test("together does not hold a VM on a node that all must leave", () => {
  const residents = [residentAt("n2", "db")];
  const constraints = { togetherWith: ["db"] };
  const wish = wishFor("web", { exclude: ["n2"] }, constraints);
  const refused = (draining: boolean) => {
    const nodes = [placementNode("n1"), placementNode("n2", { draining })];
    const picture = pictureOf(nodes, residents);
    return FILTERS.filter((it) =>
      !it.admits(picture.places()[0]!, askFor(picture, wish))
    ).map(({ name }) => name);
  };
  deepStrictEqual(refused(false), ["together"]);
  deepStrictEqual(refused(true), []);
});

Deno.test("one node is told all that is in its way, and no change when nothing helps", () => {
  check([[
    {
      node: { draining: true, drivers: [] },
      wish: { exclude: ["n1"], memoryMiB: 1001 },
    },
    "away+draining+driver+memory: not this one: it was tried, or the VM leaves it; it is being drained; driver sim: not installed there; needs 1 MiB more: 1000 of 1000 MiB are free; ",
  ]]);
});

Deno.test("filters have names of their own, in the order of the contract", () => {
  const names: FilterName[] = FILTERS.map(({ name }) => name);
  deepStrictEqual(names, [
    "on",
    "away",
    "reach",
    "draining",
    "driver",
    "ability",
    "labels",
    "processors",
    "together",
    "apart",
    "memory",
    "vcpus",
  ]);
});
