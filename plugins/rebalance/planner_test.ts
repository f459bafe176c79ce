import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Balance, type Load } from "./balance.ts";
import {
  type Plan,
  plan,
  type PlanBounds,
  type PlannedNode,
  type PlannedVm,
} from "./planner.ts";

const BOUNDS: PlanBounds = {
  startAbove: 0.1,
  stopBelow: 0.05,
  minGain: 0.01,
  ceiling: 0.9,
  moves: 5,
};

function node(name: string, more: Partial<PlannedNode> = {}): PlannedNode {
  return {
    name,
    isOpen: true,
    cpus: 8,
    memoryMiB: 8192,
    usedCpus: 0,
    usedMiB: 0,
    freeMiB: 8192,
    freeCpus: 128,
    labels: {},
    drivers: ["sim"],
    ...more,
  };
}

function vm(
  name: string,
  its: string,
  more: Partial<PlannedVm> = {},
): PlannedVm {
  return {
    name,
    node: its,
    driver: "sim",
    memoryMiB: 512,
    vcpus: 1,
    usedCpus: 1,
    usedMiB: 256,
    nodeLabels: {},
    isApartFrom: () => false,
    together: [],
    stays: null,
    ...more,
  };
}

/** A busy node with six VMs of one processor, and an idle one. */
function lopsided(more: Partial<PlannedVm> = {}): [PlannedNode[], PlannedVm[]] {
  const nodes = [node("n1", { usedCpus: 6, usedMiB: 1536 }), node("n2")];
  const names = ["a", "b", "c", "d", "e", "f"];
  return [nodes, names.map((name) => vm(name, "n1", more))];
}

function movesOf({ moves }: Plan): string[] {
  return moves.map(({ vm, from, to }) => `${vm} ${from} ${to}`);
}

Deno.test("plan() levels two nodes, and says what each move does", () => {
  const made = plan(...lopsided(), BOUNDS, false);
  deepStrictEqual(movesOf(made), ["a n1 n2", "b n1 n2", "c n1 n2"]);
  strictEqual(
    made.moves[0]?.reason,
    "n1 from 75 % to 63 %, n2 from 0 % to 13 %; imbalance from 38 % to 25 %",
  );
  deepStrictEqual(made.after, { imbalance: 0, peak: 0 });
  strictEqual(made.isUnderWay, false);
});

Deno.test("plan() moves nothing that must not move, nor to where it may not", () => {
  const [nodes, vms] = lopsided();
  const [busy, idle] = nodes as [PlannedNode, PlannedNode];
  const stuck: readonly [string, PlannedNode[], PlannedVm[]][] = [
    ["stays", nodes, lopsided({ stays: "it is held" })[1]],
    ["drained target", [busy, node("n2", { isOpen: false })], vms],
    ["no room", [busy, node("n2", { freeMiB: 511 })], vms],
    ["no vcpus", [busy, node("n2", { freeCpus: 0 })], vms],
    ["no driver", [busy, node("n2", { drivers: [] })], vms],
    ["source cannot send", [{ ...busy, drivers: [] }, idle], vms],
    ["labels", nodes, lopsided({ nodeLabels: { zone: "a" } })[1]],
    [
      "apart",
      nodes,
      [...lopsided({ isApartFrom: (name) => name === "z" })[1], vm("z", "n2")],
    ],
    [
      "kept apart by the other",
      nodes,
      [...vms, vm("z", "n2", { isApartFrom: () => true })],
    ],
    [
      "together",
      nodes,
      lopsided({ together: [(name: string) => /^[a-f]$/.test(name)] })[1],
    ],
    [
      "wanted by one that stays",
      nodes,
      [...vms, vm("z", "n1", { stays: "held", together: [() => true] })],
    ],
  ];
  for (const [why, itsNodes, itsVms] of stuck) {
    const made = plan(itsNodes, itsVms, BOUNDS, false);
    deepStrictEqual(movesOf(made), [], why);
  }
});

Deno.test("plan() counts what it has promised, and keeps apart those it moves itself", () => {
  const [[busy]] = lopsided() as [[PlannedNode], PlannedVm[]];
  const little = [busy, node("n2", { freeMiB: 1024 })];
  strictEqual(plan(little, lopsided()[1], BOUNDS, false).moves.length, 2);
  const apart = lopsided({ isApartFrom: () => true })[1];
  const made = plan([busy, node("n2"), node("n3")], apart, BOUNDS, false);
  deepStrictEqual(movesOf(made), ["a n1 n2", "b n1 n3"]);
});

Deno.test("plan() begins above one bound and goes on to the other", () => {
  const nodes = [
    node("n1", { usedCpus: 3 }),
    node("n2", { usedCpus: 1.72 }),
  ];
  const vms = [vm("a", "n1", { usedCpus: 0.5, usedMiB: 10 })];
  const bounds = { ...BOUNDS, stopBelow: 0.02 };
  const before = plan(nodes, vms, bounds, false);
  deepStrictEqual(movesOf(before), []);
  strictEqual(before.isUnderWay, false);
  const after = plan(nodes, vms, bounds, true);
  deepStrictEqual(movesOf(after), ["a n1 n2"]);
  const none = plan(nodes, vms, { ...bounds, moves: 0 }, true);
  strictEqual(none.isUnderWay, true);
});

Deno.test("plan() takes the smaller VM of two that are as good", () => {
  const nodes = [node("n1", { usedCpus: 3 }), node("n2")];
  const vms = [
    vm("a", "n1", { memoryMiB: 4096 }),
    vm("b", "n1", { memoryMiB: 1024 }),
  ];
  strictEqual(movesOf(plan(nodes, vms, BOUNDS, false))[0], "b n1 n2");
});

Deno.test("plan() weighs memory where that is scarcer", () => {
  const nodes = [node("n1", { usedMiB: 6000, usedCpus: 1 }), node("n2")];
  const vms = [
    vm("cpu", "n1", { usedCpus: 1, usedMiB: 0 }),
    vm("memory", "n1", { usedCpus: 0, usedMiB: 2500 }),
  ];
  strictEqual(movesOf(plan(nodes, vms, BOUNDS, false))[0], "memory n1 n2");
});

const amount = fc.double({ min: 0, max: 1, noNaN: true });
const siteArbitrary = fc.record({
  nodes: fc.array(
    fc.record({
      cpus: fc.integer({ min: 1, max: 16 }),
      memoryMiB: fc.integer({ min: 1024, max: 16_384 }),
      host: amount,
      isOpen: fc.boolean(),
      zone: fc.constantFrom("a", "b"),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  vms: fc.array(
    fc.record({
      node: fc.nat(5),
      usedCpus: amount,
      usedMiB: fc.integer({ min: 0, max: 3000 }),
      memoryMiB: fc.integer({ min: 16, max: 4096 }),
      stays: fc.boolean(),
      zone: fc.option(fc.constantFrom("a", "b")),
      apart: fc.option(fc.nat(20)),
      together: fc.option(fc.nat(20)),
    }),
    { maxLength: 20 },
  ),
  bounds: fc.record({
    startAbove: amount,
    stopBelow: amount,
    minGain: amount.map((it) => it / 10),
    ceiling: amount,
    moves: fc.nat(12),
  }),
  wasUnderWay: fc.boolean(),
});

type Drawn = typeof siteArbitrary extends fc.Arbitrary<infer T> ? T : never;

function siteOf(drawn: Drawn) {
  const vms = drawn.vms.map((it, index) =>
    vm(`v${index}`, `n${it.node % drawn.nodes.length}`, {
      ...it,
      node: `n${it.node % drawn.nodes.length}`,
      stays: it.stays ? "it stays" : null,
      nodeLabels: it.zone === null ? {} : { zone: it.zone },
      isApartFrom: (name) => name === `v${it.apart}`,
      together: it.together === null || it.together === index
        ? []
        : [(name) => name === `v${it.together}`],
    })
  );
  const nodes = drawn.nodes.map(({ host, zone, ...it }, index) => {
    const its = vms.filter((one) => one.node === `n${index}`);
    const promised = its.reduce((sum, one) => sum + one.memoryMiB, 0);
    return node(`n${index}`, {
      ...it,
      labels: { zone },
      usedCpus: host + its.reduce((sum, one) => sum + one.usedCpus, 0),
      usedMiB: its.reduce((sum, one) => sum + one.usedMiB, 0),
      freeMiB: it.memoryMiB - promised,
      freeCpus: it.cpus * 16 - its.length,
    });
  });
  return { nodes, vms };
}

/** The loads after `moves`, added up anew. */
function loadsAfter(
  nodes: readonly PlannedNode[],
  vms: readonly PlannedVm[],
  moves: Plan["moves"],
): Map<string, Load> {
  const loads = new Map(nodes.map((it) => [it.name, { ...it }]));
  for (const { vm: name, from, to } of moves) {
    const { usedCpus, usedMiB } = vms.find((it) => it.name === name)!;
    for (const [its, sign] of [[from, -1], [to, 1]] as const) {
      const load = loads.get(its)!;
      loads.set(its, {
        ...load,
        usedCpus: load.usedCpus + sign * usedCpus,
        usedMiB: load.usedMiB + sign * usedMiB,
      });
    }
  }
  return loads;
}

Deno.test("no plan makes it worse, passes its budget or breaks a constraint", () => {
  fc.assert(fc.property(siteArbitrary, (drawn) => {
    const { nodes, vms } = siteOf(drawn);
    const { bounds } = drawn;
    const made = plan(nodes, vms, bounds, drawn.wasUnderWay);
    ok(made.moves.length <= bounds.moves);
    const open = nodes.filter(({ isOpen }) => isOpen);
    let before = new Balance(new Map(open.map((it) => [it.name, it])));
    strictEqual(new Set(made.moves.map((it) => it.vm)).size, made.moves.length);
    made.moves.forEach((move, index) => {
      const so = made.moves.slice(0, index + 1);
      const loads = loadsAfter(open, vms, so);
      const after = new Balance(loads);
      ok(after.imbalance < before.imbalance);
      const { from, to } = move;
      const gap = (balance: Balance) =>
        Math.abs(balance.of(from) - balance.of(to)) / 2;
      ok(gap(before) - gap(after) >= bounds.minGain - 1e-6);
      ok(Math.abs(after.imbalance - move.imbalance) < 1e-6);
      ok(after.of(move.to) <= bounds.ceiling + 1e-6);
      ok(after.of(move.to) < before.of(move.from) + 1e-6);
      before = after;
    });
    checkConstraints(nodes, vms, made);
  }));
});

function checkConstraints(
  nodes: readonly PlannedNode[],
  vms: readonly PlannedVm[],
  made: Plan,
): void {
  const places = new Map(vms.map(({ name, node }) => [name, node]));
  for (const { vm: name, from, to } of made.moves) {
    const moved = vms.find((it) => it.name === name)!;
    const target = nodes.find((it) => it.name === to)!;
    strictEqual(places.get(name), from);
    strictEqual(moved.stays, null);
    ok(target.isOpen);
    for (const [key, value] of Object.entries(moved.nodeLabels)) {
      strictEqual(target.labels[key], value);
    }
    const on = (its: string) =>
      vms.filter((it) => it.name !== name && places.get(it.name) === its);
    for (const other of on(to)) {
      ok(!moved.isApartFrom(other.name) && !other.isApartFrom(name));
    }
    for (const is of moved.together) ok(on(to).some((it) => is(it.name)));
    for (const left of on(from)) ok(!left.together.some((is) => is(name)));
    places.set(name, to);
  }
  for (const { name, freeMiB } of nodes) {
    const came = made.moves.filter(({ to }) => to === name);
    const went = made.moves.filter(({ from }) => from === name);
    const sum = (moves: Plan["moves"]) =>
      moves.reduce(
        (all, move) => all + vms.find((it) => it.name === move.vm)!.memoryMiB,
        0,
      );
    ok(came.length === 0 || sum(came) - sum(went) <= freeMiB);
  }
}

Deno.test("plans made one after another come to rest", () => {
  fc.assert(
    fc.property(siteArbitrary, (drawn) => {
      const { nodes } = siteOf(drawn);
      let { vms } = siteOf(drawn);
      let isUnderWay = false;
      // Each round with a move lowers the imbalance, so this ends.
      for (let round = 0; round < 60; round++) {
        const bounds = { ...drawn.bounds, moves: 3, minGain: 0.01 };
        const loads = nodes.map((it) => ({
          ...it,
          ...loadOf(it, vms, siteOf(drawn).vms),
        }));
        const made = plan(loads, vms, bounds, isUnderWay);
        if (made.moves.length === 0) return;
        isUnderWay = made.isUnderWay;
        vms = vms.map((it) => ({
          ...it,
          node: made.moves.find(({ vm }) => vm === it.name)?.to ?? it.node,
        }));
      }
      throw new Error("it never comes to rest");
    }),
    { numRuns: 50 },
  );
});

/** What a node uses and may promise once its VMs are these. */
function loadOf(
  { name, usedCpus, usedMiB, freeMiB, freeCpus }: PlannedNode,
  now: readonly PlannedVm[],
  first: readonly PlannedVm[],
): Partial<PlannedNode> {
  const sum = (vms: readonly PlannedVm[], of: (vm: PlannedVm) => number) =>
    vms.filter(({ node }) => node === name)
      .reduce((all, it) => all + of(it), 0);
  const change = (of: (vm: PlannedVm) => number) =>
    sum(now, of) - sum(first, of);
  return {
    usedCpus: usedCpus + change((it) => it.usedCpus),
    usedMiB: usedMiB + change((it) => it.usedMiB),
    freeMiB: freeMiB - change((it) => it.memoryMiB),
    freeCpus: freeCpus - change((it) => it.vcpus),
  };
}

Deno.test("plan() is quick for a thousand nodes", () => {
  const nodes = Array.from(
    { length: 1000 },
    (_, i) => node(`n${i}`, { usedCpus: i % 9, freeMiB: 8192 }),
  );
  const vms = Array.from(
    { length: 100_000 },
    (_, i) => vm(`v${i}`, `n${i % 1000}`, { usedCpus: 0.1 }),
  );
  const made = plan(nodes, vms, { ...BOUNDS, moves: 10 }, false);
  strictEqual(made.moves.length, 10);
});
