/**
 * What clients ask of a simulated site: every verb, on few names, so that
 * requests meet each other; some sent twice, some cancelled. And guests that
 * end by themselves.
 *
 * @module
 */
import type { SpecInput, VmRequestInput } from "../schema/request.ts";
import type { SimOptions } from "../schema/vm.ts";
import { type Deed, moments, type PlanOptions } from "./deed.ts";
import { Random } from "./random.ts";

/** Requests an hour for each VM. */
const REQUESTS = 8;

/** What part of them comes in bursts, and how many in each. */
const IN_BURSTS = 0.6;
const BURST = 6;

/** Drains an hour, for each node, and how long until it is undrained at most. */
const DRAINS = 0.4;
const DRAINED_MS = 8 * 60_000;

/** Guests that end by themselves, an hour, for each VM. */
const ENDS = 0.25;

const VERBS = {
  start: 30,
  shutdown: 9,
  poweroff: 8,
  cycle: 7,
  reboot: 7,
  pause: 9,
  resume: 9,
  destroy: 6,
  register: 4,
  unregister: 4,
  migrate: 8,
};

/** The full name of VM number `i`. */
export function vmName(i: number): string {
  return `vm-${i}.default.admin`;
}

/** What clients ask, and what guests do. */
export function requestsOf(options: PlanOptions, random: Random): Deed[] {
  const { hours, vms } = options;
  return [
    ...firstStarts(options, random.fork("first")),
    ...moments(random, hours, vms * REQUESTS * (1 - IN_BURSTS)).flatMap(
      (at, i) => asked(options, random.fork(`lone ${i}`), `lone-${i}`, at, vms),
    ),
    ...moments(random, hours, vms * REQUESTS * IN_BURSTS / BURST).flatMap(
      (at, i) => burst(options, random.fork(`burst ${i}`), i, at),
    ),
    ...ends(options, random.fork("ends")),
    ...drains(options, random.fork("drains")),
  ];
}

/** Most VMs are started in the first minutes, so that there is something to break. */
function firstStarts(options: PlanOptions, random: Random): Deed[] {
  const within = Math.min(120_000, options.hours * 600_000);
  return Array.from({ length: options.vms }, (_, i) => vmName(i + 1))
    .filter(() => random.chance(0.8))
    .map((name, i): Deed => {
      const id = `first-${options.seed}-${i}`;
      const names = [name];
      const verb = "start" as const;
      const body = { verb, names, id, ...specFor(names, options) };
      return { type: "request", at: random.int(0, within), body, times: 1 };
    });
}

/** Requests for one or two VMs within seconds: they meet each other. */
function burst(
  options: PlanOptions,
  random: Random,
  number: number,
  at: number,
): Deed[] {
  const spread = random.pick([20, 2000, 30_000]);
  const around = random.int(1, options.vms);
  return Array.from({ length: BURST }, (_, i) =>
    asked(
      options,
      random.fork(`request ${i}`),
      `burst-${number}-${i}`,
      at + random.int(0, spread),
      2,
      around,
    )).flat();
}

/** One request for VMs out of `vms` from number `first` on, and what goes with it. */
function asked(
  options: PlanOptions,
  its: Random,
  name: string,
  at: number,
  vms: number,
  first = 1,
): Deed[] {
  const doubled = options.faults.includes("duplicate") ? 0.2 : 0.02;
  const vm = () => vmName((first + its.int(0, vms - 1) - 1) % options.vms + 1);
  const body = { ...bodyOf(options, its, vm), id: `${name}-${options.seed}` };
  const times = its.chance(doubled) ? its.int(2, 3) : 1;
  const request: Deed = { type: "request", at, body, times };
  if (!its.chance(0.08)) return [request];
  const later = at + its.int(0, its.pick([20, 20_000]));
  return [request, { type: "cancel", at: later, request: body.id }];
}

/** Nodes that are drained, and undrained before long. */
function drains({ hours, nodes }: PlanOptions, random: Random): Deed[] {
  return moments(random, hours, nodes * DRAINS).flatMap((at): Deed[] => {
    const node = `n${random.int(1, nodes)}`;
    const later = at + random.int(1000, DRAINED_MS);
    return [
      { type: "node", at, verb: "drain", node },
      { type: "node", at: later, verb: "undrain", node },
    ];
  });
}

/** Guests that end by themselves. */
function ends({ hours, vms }: PlanOptions, random: Random): Deed[] {
  return moments(random, hours, vms * ENDS).map((at, i): Deed => {
    const its = random.fork(`guest ${i}`);
    return {
      type: "guest",
      at,
      vm: vmName(its.int(1, vms)),
      ends: its.pick(["crashes", "shuts down"]),
    };
  });
}

function bodyOf(
  options: PlanOptions,
  random: Random,
  vm: () => string,
): VmRequestInput {
  const verb = random.weighted(VERBS);
  const count = random.chance(0.1) ? random.int(2, 5) : 1;
  const names = [...new Set(Array.from({ length: count }, vm))];
  const queue = !random.chance(0.1);
  switch (verb) {
    case "start":
      return {
        verb,
        names,
        queue,
        ...specFor(names, options),
        ...(random.chance(0.1)
          ? { on: `n${random.int(1, options.nodes)}` }
          : {}),
      };
    case "register":
      return { verb, names, queue, ...specFor(names, options) };
    case "shutdown":
    case "reboot":
      return { verb, names, queue, graceMs: random.int(1, 90) * 1000 };
    case "migrate":
      return {
        verb,
        names,
        queue,
        ...(random.chance(0.3)
          ? { to: `n${random.int(1, options.nodes)}` }
          : {}),
      };
    default:
      return { verb, names, queue };
  }
}

/**
 * What a request says of its VM: for one name always the same, since a start
 * that describes an existing VM otherwise is refused.
 */
function specFor(
  names: readonly string[],
  { seed }: PlanOptions,
): { spec?: SpecInput } {
  if (names.length > 1) return {};
  const random = new Random(`spec ${seed} ${names[0]}`);
  if (random.chance(0.2)) return {};
  return {
    spec: {
      memoryMiB: random.pick([128, 256, 512, 1024]),
      onNodeLoss: random.chance(0.4) ? "restart" : "wait",
      sim: knobsOf(random),
      ...(random.chance(0.3) ? { onNodeLoss: "restart" as const } : {}),
    },
  };
}

/** How its guest behaves. */
function knobsOf(random: Random): Partial<SimOptions> {
  return {
    ...(random.chance(0.6) ? { bootMs: random.int(0, 30_000) } : {}),
    ...(random.chance(0.6) ? { shutdownMs: random.int(0, 40_000) } : {}),
    ...(random.chance(0.6) ? { sendMs: random.int(0, 60_000) } : {}),
    ...(random.chance(0.05) ? { sendError: "made to fail" } : {}),
    ...(random.chance(0.05) ? { sendHangs: true } : {}),
    ...(random.chance(0.1) ? { ignoreShutdown: true } : {}),
    ...(random.chance(0.04) ? { startError: "made to fail" } : {}),
    ...(random.chance(0.04) ? { startHangs: true } : {}),
    ...(random.chance(0.08) ? { crashAfterMs: random.int(0, 600_000) } : {}),
    ...(random.chance(0.06) ? { replyLost: true } : {}),
  };
}
