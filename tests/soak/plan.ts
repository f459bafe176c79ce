/**
 * What a soak does: which verbs on which VMs, and who is killed when.
 *
 * Everything is drawn from one seed, each stream for itself, so the same seed
 * asks for the same in the same order; what becomes of it depends on the
 * machine.
 *
 * @module
 */
import type { VmRequestInput } from "../../src/schema/request.ts";
import type { Random } from "../../src/simulator/random.ts";

/** VMs of one driver, and the two nodes that they are on. */
export interface Fleet {
  readonly driver: "sim" | "qemu";
  readonly names: readonly string[];
  readonly nodes: readonly [string, string];
}

/** A request, before it has an id. */
export interface Wish {
  readonly verb: VmRequestInput["verb"];
  readonly names: readonly string[];
}

/** What befalls whom, and for how long. */
export interface Blow {
  /** With `power` a node's guests die with it, as when its machine loses power. */
  readonly kind: "kill" | "freeze" | "power";
  /** Names of nodes, or `ctrl`. */
  readonly victims: readonly string[];
  /** How long they are away, ms. */
  readonly awayMs: number;
  /** How long everybody is left alone afterwards, ms. */
  readonly pauseMs: number;
}

/** A VM that is gone is made anew by a start, so that is the commonest. */
const VERBS = {
  start: 10,
  shutdown: 3,
  poweroff: 3,
  cycle: 3,
  reboot: 2,
  pause: 2,
  resume: 3,
  destroy: 2,
  migrate: 2,
} as const;

const KINDS = { kill: 6, freeze: 2, power: 1 } as const;

const VICTIMS = { ctrl: 4, node: 4, both: 2, all: 1 } as const;

/** The next request: one verb on a few VMs of one fleet; on one with a guest, which is slow. */
export function nextWish(random: Random, fleets: readonly Fleet[]): Wish {
  const { driver, names } = random.pick(fleets);
  const verb = random.weighted(VERBS);
  const count = driver === "qemu" ? 1 : random.int(1, 5);
  const chosen = new Set<string>();
  while (chosen.size < count) chosen.add(random.pick(names));
  return { verb, names: [...chosen] };
}

/** The next blow. */
export function nextBlow(random: Random, nodes: readonly string[]): Blow {
  const who = random.weighted(VICTIMS);
  const victims = who === "ctrl"
    ? ["ctrl"]
    : who === "node"
    ? [random.pick(nodes)]
    : who === "both"
    ? ["ctrl", random.pick(nodes)]
    : ["ctrl", ...nodes];
  return {
    kind: random.weighted(KINDS),
    victims,
    awayMs: random.int(0, 2500),
    pauseMs: random.int(500, 4000),
  };
}
