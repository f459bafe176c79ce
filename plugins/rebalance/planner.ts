/**
 * The planner: which VMs should move where, so that nodes are busy alike.
 *
 * It takes one move after another, each the one that lowers the imbalance most,
 * and predicts what holds after it before it looks for the next. No move is
 * taken that would leave its target busier than its source was, or beyond the
 * ceiling; so no plan is worse than none. It is pure: what is so, what may be
 * and what was done before are its arguments.
 *
 * @module
 */
import { Balance, type Load, type Weight } from "./balance.ts";

/** A node that can run VMs. */
export interface PlannedNode extends Load {
  readonly name: string;
  /** May get VMs, and is compared; one that is drained or silent is not. */
  readonly isOpen: boolean;
  /** What it may still promise. */
  readonly freeMiB: number;
  readonly freeCpus: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The drivers with which VMs can come to it and leave it. */
  readonly drivers: readonly string[];
}

/** A VM with a node. */
export interface PlannedVm extends Weight {
  readonly name: string;
  readonly node: string;
  readonly driver: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Whether it must not share a node with the VM of that name; the other's wish counts, too. */
  readonly isApartFrom: (name: string) => boolean;
  /** For each wish, whether the VM of that name fulfils it. */
  readonly together: readonly ((name: string) => boolean)[];
  /** Why it stays where it is; null when it may move. */
  readonly stays: string | null;
}

/** What a plan may do. */
export interface PlanBounds {
  /** Begins when the busiest node lies further than this above the mean… */
  readonly startAbove: number;
  /** …and goes on until none lies further than this. */
  readonly stopBelow: number;
  /** How much nearer a move must bring its two nodes to what both have in the middle. */
  readonly minGain: number;
  /** How busy a move may make its target. */
  readonly ceiling: number;
  readonly moves: number;
}

/** One move, and what it is good for. */
export interface Move {
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** Predicted, once it was made. */
  readonly imbalance: number;
}

/** How even nodes are. */
export interface Evenness {
  readonly imbalance: number;
  readonly peak: number;
}

/** What should be done, and why not more. */
export interface Plan {
  readonly moves: readonly Move[];
  readonly before: Evenness;
  readonly after: Evenness;
  readonly reason: string;
  /** Whether it is to be gone on with although the peak is below the start. */
  readonly isUnderWay: boolean;
}

/** Sources and targets that are looked at for one move: the busiest, and the idlest with room. */
const SOURCES = 8;
const TARGETS = 4;
const EPSILON = 1e-9;

/** A site while moves are planned. */
interface Site {
  readonly balance: Balance;
  readonly nodes: ReadonlyMap<string, PlannedNode>;
  readonly residents: Map<string, PlannedVm[]>;
  /** Promised to VMs that are planned to come, less those to leave. */
  readonly promised: Map<string, { memoryMiB: number; vcpus: number }>;
  readonly moved: Set<string>;
}

interface Candidate {
  readonly vm: PlannedVm;
  readonly to: string;
  readonly imbalance: number;
  readonly text: string;
}

/** Plans moves. `wasUnderWay`: the last plan was to be gone on with. */
export function plan(
  nodes: readonly PlannedNode[],
  vms: readonly PlannedVm[],
  bounds: PlanBounds,
  wasUnderWay: boolean,
): Plan {
  const site = siteOf(nodes, vms);
  const before = evennessOf(site.balance);
  const moves: Move[] = [];
  const end = (reason: string): Plan => {
    const after = evennessOf(site.balance);
    // Between the two bounds it goes on if it had begun.
    const isUnderWay = after.peak > bounds.stopBelow &&
      (wasUnderWay || before.peak > bounds.startAbove);
    return { moves, before, after, reason, isUnderWay };
  };
  const limit = wasUnderWay ? bounds.stopBelow : bounds.startAbove;
  if (before.peak <= limit) {
    return end(
      `even enough: the busiest node lies ${shown(before.peak)} above the mean`,
    );
  }
  while (moves.length < bounds.moves) {
    if (site.balance.peak <= bounds.stopBelow) return end("even after this");
    const best = bestMove(site, bounds);
    if (best === null) {
      const more = moves.length === 0 ? "" : "more ";
      return end(`no ${more}move makes it better`);
    }
    moves.push(take(site, best));
  }
  return end("as many moves as are allowed now");
}

function evennessOf({ imbalance, peak }: Balance): Evenness {
  return { imbalance, peak };
}

function siteOf(
  nodes: readonly PlannedNode[],
  vms: readonly PlannedVm[],
): Site {
  const open = nodes.filter(({ isOpen }) => isOpen);
  return {
    balance: new Balance(new Map(open.map((node) => [node.name, node]))),
    nodes: new Map(nodes.map((node) => [node.name, node])),
    residents: Map.groupBy(vms, ({ node }) => node),
    promised: new Map(),
    moved: new Set(),
  };
}

function take(site: Site, { vm, to, imbalance, text }: Candidate): Move {
  const { node: from } = vm;
  site.balance.move(vm, from, to);
  promise(site, from, vm, -1);
  promise(site, to, vm, 1);
  const left = site.residents.get(from)?.filter((it) => it !== vm) ?? [];
  site.residents.set(from, left);
  const there = site.residents.get(to) ?? [];
  site.residents.set(to, [...there, { ...vm, node: to }]);
  site.moved.add(vm.name);
  return { vm: vm.name, from, to, reason: text, imbalance };
}

function promise(site: Site, node: string, vm: PlannedVm, sign: 1 | -1): void {
  const before = site.promised.get(node) ?? { memoryMiB: 0, vcpus: 0 };
  site.promised.set(node, {
    memoryMiB: before.memoryMiB + sign * vm.memoryMiB,
    vcpus: before.vcpus + sign * vm.vcpus,
  });
}

/** The move that lowers the imbalance most; of equal ones, that of the smallest VM. */
function bestMove(site: Site, bounds: PlanBounds): Candidate | null {
  let best: Candidate | null = null;
  const ranked = site.balance.ranked();
  let sources = 0;
  for (const from of ranked) {
    if (sources === SOURCES || site.balance.of(from) <= site.balance.mean) {
      break;
    }
    const movable = (site.residents.get(from) ?? []).filter((vm) =>
      vm.stays === null && !site.moved.has(vm.name)
    );
    if (movable.length > 0) sources++;
    for (const vm of movable) {
      for (const candidate of movesOf(site, vm, ranked, bounds)) {
        if (best === null || isBetter(candidate, best)) best = candidate;
      }
    }
  }
  return best;
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (Math.abs(a.imbalance - b.imbalance) > EPSILON) {
    return a.imbalance < b.imbalance;
  }
  if (a.vm.memoryMiB !== b.vm.memoryMiB) {
    return a.vm.memoryMiB < b.vm.memoryMiB;
  }
  return `${a.vm.name} ${a.to}` < `${b.vm.name} ${b.to}`;
}

function movesOf(
  site: Site,
  vm: PlannedVm,
  ranked: readonly string[],
  bounds: PlanBounds,
): Candidate[] {
  const found: Candidate[] = [];
  const { balance } = site;
  const source = balance.of(vm.node);
  for (const to of ranked.toReversed()) {
    if (found.length === TARGETS || balance.of(to) >= source) break;
    const outlook = balance.after(vm, vm.node, to);
    if (outlook === null || outlook.to > bounds.ceiling) continue;
    const isEvener = outlook.imbalance < balance.imbalance - EPSILON;
    if (!isEvener || outlook.to >= source) continue;
    const apart = source - balance.of(to);
    const gain = (apart - Math.abs(outlook.from - outlook.to)) / 2;
    if (gain < bounds.minGain || !fits(site, vm, to)) continue;
    found.push({
      vm,
      to,
      imbalance: outlook.imbalance,
      text: `${vm.node} from ${shown(source)} to ${shown(outlook.from)}, ` +
        `${to} from ${shown(balance.of(to))} to ${shown(outlook.to)}; ` +
        `imbalance from ${shown(balance.imbalance)} to ${
          shown(outlook.imbalance)
        }`,
    });
  }
  return found;
}

/** Whether a node has what a VM needs, and the neighbours that it wants. */
function fits(site: Site, vm: PlannedVm, to: string): boolean {
  const node = site.nodes.get(to);
  const from = site.nodes.get(vm.node);
  if (node === undefined || !node.drivers.includes(vm.driver)) return false;
  if (from?.drivers.includes(vm.driver) !== true) return false;
  const promised = site.promised.get(to) ?? { memoryMiB: 0, vcpus: 0 };
  if (node.freeMiB - promised.memoryMiB < vm.memoryMiB) return false;
  if (node.freeCpus - promised.vcpus < vm.vcpus) return false;
  const hasLabels = Object.entries(vm.nodeLabels)
    .every(([key, value]) => node.labels[key] === value);
  return hasLabels && suits(site, vm, to);
}

function suits(site: Site, vm: PlannedVm, to: string): boolean {
  const there = site.residents.get(to) ?? [];
  const isApart = there.every((other) =>
    !vm.isApartFrom(other.name) && !other.isApartFrom(vm.name)
  );
  // Whoever wants to be with it stays behind, so it stays, too.
  const left = site.residents.get(vm.node) ?? [];
  const isWanted = left.some((other) =>
    other.name !== vm.name && other.together.some((is) => is(vm.name))
  );
  return isApart && !isWanted &&
    vm.together.every((is) => there.some((other) => is(other.name)));
}

function shown(share: number): string {
  return `${Math.round(share * 100)} %`;
}
