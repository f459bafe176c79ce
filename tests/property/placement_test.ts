/**
 * What holds of every placement, on every site.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { placeAll } from "../../src/core/placement/batch.ts";
import { MAX_VCPUS_PER_CPU } from "../../src/core/placement/machine.ts";
import type { Resident } from "../../src/core/placement/neighbours.ts";
import type { PlacementNode } from "../../src/core/placement/picture.ts";
import { type Decision, Placer } from "../../src/core/placement/placer.ts";
import type { Wish } from "../../src/core/placement/wish.ts";
import { matchesName } from "../../src/core/selector.ts";
import type { Strategy } from "../../src/schema/placement.ts";
import {
  driverReport,
  pictureOf,
  placementNode,
  residentAt,
  wishFor,
} from "../support/placement.ts";

const node: fc.Arbitrary<Partial<PlacementNode>> = fc.record({
  state: fc.constantFrom("ready", "ready", "ready", "silent", "dead"),
  draining: fc.constantFrom(false, false, false, true),
  capacity: fc.record({
    cpus: fc.integer({ min: 1, max: 8 }),
    memoryMiB: fc.integer({ min: 256, max: 4096 }),
  }),
  overcommit: fc.record({
    memory: fc.constantFrom(0.5, 1, 1, 1.5),
    cpus: fc.constantFrom(1, 2, 16),
  }),
  labels: fc.constantFrom({}, { zone: "a" }, { zone: "b" }, { zone: "a" }),
  drivers: fc.subarray(["sim", "qemu"], { minLength: 1 }).map((names) =>
    names.map((name) => driverReport(name))
  ),
});

const nodes = fc.array(node, { minLength: 1, maxLength: 8 }).map((all) =>
  all.map((its, i) => placementNode(`n${i}`, its))
);

const pattern = fc.constantFrom(
  "web-*",
  "db",
  "db.default",
  "*",
  "[",
  "web-1.default.ann",
);
const patterns = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  fc.array(pattern, { maxLength: 2 }),
);

const name = fc.constantFrom(
  "web-1",
  "web-2",
  "web-3",
  "db",
  "db.lab.ann",
  "cache",
  "web-1.default.bob",
  "db.default.bob",
);

const resident = fc.record({
  name,
  node: fc.integer({ min: 0, max: 8 }),
  memoryMiB: fc.integer({ min: 16, max: 1024 }),
  vcpus: fc.integer({ min: 1, max: 4 }),
  on: fc.boolean(),
  apartFrom: patterns,
  togetherWith: patterns,
});

const residents: fc.Arbitrary<Resident[]> = fc.uniqueArray(resident, {
  maxLength: 6,
  selector: (it) => it.name,
}).map((all) =>
  all.map(({ name, node, ...its }) => residentAt(`n${node}`, name, its))
);

/** Few sizes, so that kinds repeat. */
const wish = fc.record({
  name,
  driver: fc.constantFrom("sim", "sim", "qemu"),
  memoryMiB: fc.constantFrom(64, 64, 300, 900),
  vcpus: fc.constantFrom(1, 1, 4, 40),
  on: fc.constantFrom(undefined, undefined, undefined, "n0", "nowhere"),
  exclude: fc.constantFrom(undefined, undefined, ["n1"]),
  nodeLabels: fc.constantFrom({}, {}, { zone: "a" }),
  apartFrom: patterns,
  togetherWith: patterns,
});

/** Several wishes may be about VMs of one name pattern; each has a name of its own. */
const wishes: fc.Arbitrary<Wish[]> = fc.array(wish, { maxLength: 12 }).map(
  (all) =>
    all.map(({ name, nodeLabels, apartFrom, togetherWith, ...its }, i) => {
      const [vm, ...rest] = name.split(".");
      const own = i < 4 ? name : [`${vm}-${i}`, ...rest].join(".");
      return wishFor(own, its, { nodeLabels, apartFrom, togetherWith });
    }).filter((it, i, every) =>
      every.findIndex(({ uid }) => uid === it.uid) === i
    ),
);

const strategy = fc.constantFrom<Strategy>("spread", "pack");

interface Case {
  readonly nodes: PlacementNode[];
  readonly residents: Resident[];
  readonly wishes: Wish[];
  readonly strategy: Strategy;
}

/** One that is on moves; one that is off starts where it lies. */
function aboutResident(wish: Wish, residents: readonly Resident[]): Wish {
  const it = residents.find(({ uid }) => uid === wish.uid);
  if (it === undefined) return wish;
  const { memoryMiB, vcpus, apartFrom, on, nodes: [at] } = it;
  return {
    ...wish,
    memoryMiB,
    vcpus,
    on: on ? undefined : at,
    exclude: on && at !== undefined ? [at] : undefined,
    placement: { ...wish.placement, apartFrom: [...apartFrom] },
  };
}

const site = fc.record({ nodes, residents, wishes, strategy }).map((its) => ({
  ...its,
  wishes: its.wishes.map((it) => aboutResident(it, its.residents)),
}));

function holds(check: (its: Case) => void, numRuns = 1000): void {
  fc.assert(fc.property(site, check), { numRuns });
}

/** Decides one after another; the VMs that were placed are there then. */
function decideEach({ nodes, residents, wishes, strategy }: Case): Decision[] {
  using placer = new Placer(pictureOf(nodes, residents), strategy);
  return wishes.map((it) => placer.place(it));
}

function decideAll({ nodes, residents, wishes, strategy }: Case): Decision[] {
  const picture = pictureOf(nodes, residents);
  using placer = new Placer(picture, strategy);
  return placeAll(picture, placer, wishes);
}

/** The VMs of a site after `decisions`, each on one list entry. */
function after({ residents, wishes }: Case, decisions: Decision[]): Resident[] {
  const all = new Map(residents.map((it) => [it.uid, it]));
  for (const [i, decision] of decisions.entries()) {
    if (decision.type === "placed") move(all, wishes[i]!, decision.node);
  }
  return [...all.values()];
}

/** What is on stays where it is until it has moved; what is off moves at once. */
function move(all: Map<string, Resident>, wish: Wish, node: string): void {
  const before = all.get(wish.uid);
  const stays = before?.on === true ? before.nodes : [];
  all.set(wish.uid, {
    uid: wish.uid,
    name: wish.name,
    nodes: [...stays.filter((it) => it !== node), node],
    memoryMiB: wish.memoryMiB,
    vcpus: wish.vcpus,
    on: true,
    apartFrom: wish.placement.apartFrom,
    togetherWith: wish.placement.togetherWith,
  });
}

function ownerOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function means(pattern: string, of: string, it: Resident): boolean {
  return pattern !== "[" && ownerOf(of) === ownerOf(it.name) &&
    matchesName(it.name, pattern);
}

/** What a node has left for a VM, with what it takes there itself. */
function left(node: PlacementNode, all: Iterable<Resident>, uid: string) {
  const { capacity, overcommit } = node;
  let memory = Math.floor(capacity.memoryMiB * overcommit.memory);
  let cpus = Math.floor(capacity.cpus * overcommit.cpus);
  const room = { memory, cpus };
  for (const it of all) {
    if (!it.on || it.uid === uid || !it.nodes.includes(node.name)) continue;
    memory -= it.memoryMiB;
    cpus -= it.vcpus;
  }
  return { memory, cpus, room };
}

/** The definition of what a node can take, without any index. */
function canTake(
  node: PlacementNode,
  wish: Wish,
  all: readonly Resident[],
): boolean {
  const { nodeLabels, apartFrom, togetherWith } = wish.placement;
  const others = all.filter(({ uid }) => uid !== wish.uid);
  const here = others.filter(({ nodes }) => nodes.includes(node.name));
  const { memory, cpus } = left(node, all, wish.uid);
  const own = { ...residentAt(node.name, wish.uid), name: wish.name };
  return node.state === "ready" && !node.draining &&
    (wish.on === undefined || wish.on === node.name) &&
    wish.exclude?.includes(node.name) !== true &&
    node.drivers.some((it) => it.name === wish.driver) &&
    Object.entries(nodeLabels).every(([key, its]) =>
      node.labels[key] === its
    ) &&
    wish.vcpus <= node.capacity.cpus * MAX_VCPUS_PER_CPU &&
    wish.memoryMiB <= memory && wish.vcpus <= cpus &&
    !here.some((it) => apartFrom.some((its) => means(its, wish.name, it))) &&
    !here.some((it) => it.apartFrom.some((its) => means(its, it.name, own))) &&
    togetherWith.every((its) =>
      here.some((it) => means(its, wish.name, it)) ||
      (means(its, wish.name, own) &&
        !others.some((it) => means(its, wish.name, it)))
    );
}

/** The best node by the definition of the strategies: every node is looked at. */
function plainly(
  { nodes, strategy }: Case,
  wish: Wish,
  all: readonly Resident[],
): string | null {
  const scored = nodes.filter((it) => canTake(it, wish, all)).map((it) => {
    const { memory, cpus, room } = left(it, all, wish.uid);
    const share = Math.min(
      (memory - wish.memoryMiB) / room.memory,
      (cpus - wish.vcpus) / room.cpus,
    );
    return { name: it.name, score: strategy === "spread" ? share : -share };
  });
  scored.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  return scored[0]?.name ?? null;
}

/** Nodes that must be left waive togetherness; that has tests of its own. */
function withoutLeaving(its: Case): Case {
  return {
    ...its,
    nodes: its.nodes.map((it) => ({
      ...it,
      draining: false,
      state: it.state === "dead" ? "silent" : it.state,
    })),
    wishes: its.wishes.map((it) => ({
      ...it,
      exclude: it.exclude?.filter((name) =>
        its.nodes.some((node) => node.name === name)
      ),
    })),
  };
}

Deno.test("place() decides as the plain definition does, and as many decisions in a row", () => {
  holds((drawn) => {
    const its = withoutLeaving(drawn);
    const all = new Map(its.residents.map((it) => [it.uid, it]));
    const expected = its.wishes.map((wish) => {
      const node = plainly(its, wish, [...all.values()]);
      if (node !== null) move(all, wish, node);
      return node;
    });
    deepStrictEqual(
      decideEach(its).map((it) => it.type === "placed" ? it.node : null),
      expected,
    );
  }, 2000);
});

Deno.test("placeAll() never takes more than a node has", () => {
  holds((its) => {
    const then = after(its, decideAll(its));
    for (const node of its.nodes) {
      const before = left(node, its.residents, "");
      const { memory, cpus } = left(node, then, "");
      ok(
        memory >= Math.min(0, before.memory) &&
          cpus >= Math.min(0, before.cpus),
      );
    }
  });
});

Deno.test("placeAll() keeps every constraint of every VM that it places", () => {
  holds((drawn) => {
    const its = withoutLeaving(drawn);
    const decisions = decideAll(its);
    const then = after(its, decisions);
    for (const [i, decision] of decisions.entries()) {
      if (decision.type === "refused") continue;
      const node = its.nodes.find(({ name }) => name === decision.node)!;
      ok(canTake(node, its.wishes[i]!, then), JSON.stringify(its.wishes[i]));
    }
  });
});

Deno.test("placeAll() without togetherness decides as one after another", () => {
  holds((drawn) => {
    const wishes = drawn.wishes.map((it) => ({
      ...it,
      placement: { ...it.placement, togetherWith: [] },
    }));
    deepStrictEqual(
      decideAll({ ...drawn, wishes }),
      decideEach({ ...drawn, wishes }),
    );
  }, 300);
});

Deno.test("a refusal tells each node that refuses once, by what refuses it", () => {
  holds((its) => {
    const alone = { ...its, wishes: its.wishes.slice(0, 1) };
    for (const decision of decideEach(alone)) {
      if (decision.type === "placed") continue;
      const [wish] = alone.wishes;
      const resident = its.residents.find(({ uid }) => uid === wish?.uid);
      const left = resident?.on ? resident.nodes : [];
      const told = decision.refusedBy.flatMap(({ nearest }) => nearest);
      deepStrictEqual(
        told.map(({ node }) => node).sort(),
        its.nodes.map(({ name }) => name).filter((name) =>
          decision.on === undefined
            ? !left.includes(name)
            : name === decision.on
        ).sort(),
      );
      for (const { filter, nodes, nearest } of decision.refusedBy) {
        strictEqual(nodes, nearest.length);
        for (const { filters, why } of nearest) {
          ok(filters[0] === filter && why.length > 0);
        }
      }
    }
  }, 300);
});

Deno.test("placement does not depend on the order in which nodes and VMs came, and repeats itself", () => {
  fc.assert(
    fc.property(site, fc.infiniteStream(fc.nat()), (its, order) => {
      const shuffled = <T>(all: readonly T[]) =>
        all.map((it) => ({ it, key: order.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key).map(({ it }) => it);
      const decided = decideAll(its);
      const nodes = shuffled(its.nodes);
      const residents = shuffled(its.residents);
      deepStrictEqual(decideAll({ ...its, nodes, residents }), decided);
      deepStrictEqual(decideAll(its), decided);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a picture is the same whatever VMs came and went before", () => {
  fc.assert(
    fc.property(nodes, residents, residents, (nodes, first, last) => {
      const picture = pictureOf(nodes, first);
      // Asked for meanwhile, so that what is kept of it must be kept right.
      for (const its of ["web-*", "db", "*"]) {
        picture.neighbours.matching("x.default.ann", its);
      }
      for (const it of last) picture.setResident(it.uid, it);
      for (const { uid } of first) {
        if (!last.some((it) => it.uid === uid)) picture.setResident(uid, null);
      }
      const anew = pictureOf(nodes, last);
      deepStrictEqual(picture.snapshot(), anew.snapshot());
      for (const its of ["web-*", "db", "*"]) {
        const [a, b] = [picture, anew].map(({ neighbours }) =>
          neighbours.matching("x.default.ann", its)
        );
        for (const { name } of nodes) strictEqual(a?.has(name), b?.has(name));
        strictEqual(a?.any, b?.any);
      }
      for (const its of ["web-1.default.ann", "db.lab.ann", "cache.x.bob"]) {
        const [a, b] = [picture, anew].map(({ neighbours }) =>
          [neighbours.repelling(its), neighbours.attracting(its)].map((all) =>
            all.map(({ pattern, has }) => [
              pattern,
              nodes.filter(({ name }) => has(name)).map(({ name }) => name),
            ])
          )
        );
        deepStrictEqual(a, b);
      }
    }),
    { numRuns: 500 },
  );
});
