/**
 * Which faults befall a site, and when, drawn from the seed.
 *
 * @module
 */
import {
  type Deed,
  type Fault,
  moments,
  type NodeFault,
  type PlanOptions,
} from "./deed.ts";
import type { FaultKind } from "../schema/simulation.ts";
import type { Random } from "./random.ts";

/** A fault of the site, or of one node, drawn anew each time. */
type Draw = (random: Random) => Fault;
type NodeDraw = (random: Random, node: string) => NodeFault;

/** How often, an hour. */
interface Rate<T> {
  readonly perHour: number;
  readonly draw: T;
}

/** Faults of the controller and its clients. */
const SITE: Readonly<Record<FaultKind, readonly Rate<Draw>[]>> = {
  partition: [{ perHour: 2, draw: () => ({ type: "cut clients" }) }],
  crash: [
    { perHour: 3, draw: () => ({ type: "kill ctrl" }) },
    { perHour: 1, draw: () => ({ type: "stop ctrl" }) },
  ],
  slow: [
    {
      perHour: 1,
      draw: (random) => ({ type: "freeze ctrl", ms: lasts(random, 30) }),
    },
    {
      perHour: 1,
      draw: (random) => ({
        type: "slow disk",
        ms: lasts(random, 60),
        upTo: random.int(50, 3000),
      }),
    },
  ],
  duplicate: [],
  reorder: [{
    perHour: 2,
    draw: (random) => ({
      type: "slow clients",
      ms: lasts(random, 120),
      upTo: random.int(100, 8000),
    }),
  }],
  "disk-full": [
    {
      perHour: 3,
      draw: (random) => ({ type: "disk full", ms: lasts(random, 40) }),
    },
  ],
};

/** Faults of each node. */
const NODE: Readonly<Record<FaultKind, readonly Rate<NodeDraw>[]>> = {
  partition: [
    {
      perHour: 1.5,
      draw: (random, node) => ({
        type: "partition",
        node,
        ms: lasts(random, random.chance(0.3) ? 300 : 30),
        ways: random.pick([["up", "down"], ["up", "down"], ["up"], ["down"]]),
      }),
    },
    { perHour: 1, draw: (_, node) => ({ type: "cut", node }) },
  ],
  crash: [
    {
      perHour: 1,
      draw: (random, node) => ({
        type: "kill lnm",
        node,
        ms: lasts(random, 40),
      }),
    },
    {
      perHour: 0.3,
      draw: (random, node) => ({
        type: "stop lnm",
        node,
        ms: lasts(random, 40),
      }),
    },
    {
      perHour: 0.4,
      draw: (random, node) => ({
        type: "power loss",
        node,
        ms: lasts(random, 120),
        forgets: random.chance(0.5),
        declaredMs: random.chance(0.4) ? random.int(0, 90_000) : null,
      }),
    },
  ],
  slow: [
    {
      perHour: 0.7,
      draw: (random, node) => ({
        type: "freeze lnm",
        node,
        ms: lasts(random, 60),
      }),
    },
    {
      perHour: 0.7,
      draw: (random, node) => ({
        type: "slow verbs",
        node,
        ms: lasts(random, 120),
        by: random.int(100, 40_000),
      }),
    },
    {
      perHour: 0.4,
      draw: (random, node) => ({
        type: "mute driver",
        node,
        ms: lasts(random, 60),
      }),
    },
    {
      perHour: 0.7,
      draw: (random, node) => ({
        type: "slow link",
        node,
        ms: lasts(random, 120),
        upTo: random.int(100, 6000),
      }),
    },
  ],
  duplicate: [
    {
      perHour: 1,
      draw: (random, node) => ({
        type: "lost ends",
        node,
        ms: lasts(random, 120),
      }),
    },
    { perHour: 1, draw: (_, node) => ({ type: "cut", node }) },
  ],
  reorder: [
    {
      perHour: 1,
      draw: (random, node) => ({
        type: "slow link",
        node,
        ms: lasts(random, 20),
        upTo: random.int(1000, 12_000),
      }),
    },
  ],
  "disk-full": [],
};

/** From half a second to `seconds`, in ms. */
function lasts(random: Random, seconds: number): number {
  return random.int(500, seconds * 1000);
}

/**
 * The faults of a run. Most come close to one of the moments in `busy`, some
 * within the milliseconds that an operation takes: that is where it hurts.
 */
export function faultsOf(
  options: PlanOptions,
  busy: readonly number[],
  random: Random,
): Deed[] {
  const deeds: Deed[] = [];
  const add = (
    name: string,
    perHour: number,
    draw: (random: Random) => Fault,
  ) => {
    const its = random.fork(name);
    for (const lone of moments(its, options.hours, perHour)) {
      const at = busy.length === 0 || its.chance(0.25)
        ? lone
        : its.pick(busy) + its.int(0, its.pick([15, 60, 1000, 20_000]));
      deeds.push({ type: "fault", at, fault: draw(its) });
    }
  };
  for (const kind of options.faults) {
    SITE[kind].forEach(({ perHour, draw }, i) =>
      add(`${kind} ${i}`, perHour, draw)
    );
    NODE[kind].forEach(({ perHour, draw }, i) =>
      add(
        `${kind} of nodes ${i}`,
        perHour * options.nodes,
        (its) => draw(its, `n${its.int(1, options.nodes)}`),
      )
    );
  }
  return deeds;
}
