/**
 * The survey: nodes and VMs as the planner takes them, from what the controller
 * shows of them.
 *
 * What is not known for sure stays where it is: a node that does not tell what
 * it uses is not compared, and a VM that does not is not moved.
 *
 * @module
 */
import type { NodeView, PluginContext, VmView } from "@usher/plugin";
import { busyness } from "./balance.ts";
import type { PlannedNode, PlannedVm } from "./planner.ts";

/** Which average of the processors counts. */
export type Window = "m1" | "m5" | "m15";

/** How nodes are measured: by all that the machine does, or by their VMs alone. */
export type Measure = "machine" | "vms";

/** What the controller shows. */
export interface Seen {
  readonly nodes: readonly NodeView[];
  readonly vms: readonly VmView[];
  /** Whether the VMs of a node are among these. */
  readonly isLooked: (node: string) => boolean;
}

/** VMs up to which all are looked at; the controller gives no more at once. */
const MANY_VMS = 8000;
/** Of a site with more: nodes whose VMs may go, and nodes that may get them. */
const BUSIEST = 16;
const IDLEST = 32;

/**
 * Looks at nodes and VMs; in a large site at those of the busiest and idlest
 * nodes, unless no node can be measured without its VMs.
 */
export async function look(
  ctx: Pick<PluginContext, "nodes" | "vms">,
  measuring: Pick<SurveyRules, "window" | "measure">,
  many = MANY_VMS,
): Promise<Seen> {
  const nodes = await ctx.nodes.list();
  const count = nodes.reduce((sum, { vms }) => sum + vms, 0);
  if (count <= many) {
    return { nodes, vms: await ctx.vms.list(), isLooked: () => true };
  }
  const ranked = nodes.filter(isOpenNode)
    .map((node) => nodeOf(node, [], measuring, true))
    .toSorted((a, b) => busyness(b) - busyness(a))
    .map(({ name }) => name);
  const looked = new Set(
    measuring.measure === "vms"
      ? ranked
      : [...ranked.slice(0, BUSIEST), ...ranked.slice(-IDLEST)],
  );
  const vms: VmView[] = [];
  for (const node of looked) vms.push(...await ctx.vms.list({ node }));
  return { nodes, vms, isLooked: (node) => looked.has(node) };
}

/** What may be moved, and how it is measured. */
export interface SurveyRules {
  readonly window: Window;
  readonly measure: Measure;
  /** Whether VMs may take disks along that lie with their node. */
  readonly moveDisks: boolean;
  /** VMs that stay, by name. */
  readonly isLeft: (name: string) => boolean;
  /** Uids of VMs that were moved so shortly ago that they stay. */
  readonly cooling: ReadonlySet<string>;
  /** Compiles a pattern of names. */
  readonly pattern: (pattern: string) => (name: string) => boolean;
}

/** Nodes and VMs, for the planner. */
export interface Survey {
  readonly nodes: readonly PlannedNode[];
  readonly vms: readonly PlannedVm[];
}

/** Makes of what is seen what is planned with. */
export function survey(seen: Seen, rules: SurveyRules): Survey {
  const residents = Map.groupBy(seen.vms, ({ node }) => node);
  const nodes = seen.nodes.map((node) =>
    nodeOf(
      node,
      residents.get(node.name) ?? [],
      rules,
      seen.isLooked(node.name),
    )
  );
  const open = new Set(
    nodes.filter(({ isOpen }) => isOpen).map(({ name }) => name),
  );
  const patterns = new Patterns(rules.pattern);
  const vms = seen.vms.flatMap((vm): PlannedVm[] =>
    vm.node === null ? [] : [vmOf(vm, vm.node, { rules, open, patterns })]
  );
  return { nodes, vms };
}

/** Whether a node takes part: one whose usage is not known might be the busiest. */
function isOpenNode({ state, draining, usage }: NodeView): boolean {
  return state === "ready" && !draining && usage !== null;
}

function nodeOf(
  node: NodeView,
  residents: readonly VmView[],
  { window, measure }: Pick<SurveyRules, "window" | "measure">,
  isLooked: boolean,
): PlannedNode {
  const { name, capacity, overcommit } = node;
  const usage = measure === "machine" ? node.usage : null;
  const sum = (of: (vm: VmView) => number | null | undefined) =>
    residents.reduce((all, vm) => all + (of(vm) ?? 0), 0);
  return {
    name,
    isOpen: isOpenNode(node),
    cpus: capacity.cpus,
    memoryMiB: capacity.memoryMiB,
    usedCpus: usage?.cpu?.[window] ?? sum((vm) => vm.usage?.cpu?.[window]),
    usedMiB: usage?.memoryMiB ?? sum((vm) => vm.usage?.memoryMiB),
    freeMiB: capacity.memoryMiB * overcommit.memory - node.allocatedMiB,
    freeCpus: capacity.cpus * overcommit.cpus - node.allocatedCpus,
    labels: node.labels,
    // Where its VMs were not looked at, nothing may come: they might mind.
    drivers: node.drivers
      .filter(({ health, abilities }) =>
        isLooked && health === "healthy" && abilities.includes("migration")
      )
      .map((driver) => driver.name),
  };
}

/** What all VMs of a survey are looked at with. */
interface Looking {
  readonly rules: SurveyRules;
  readonly open: ReadonlySet<string>;
  readonly patterns: Patterns;
}

function vmOf(vm: VmView, node: string, looking: Looking): PlannedVm {
  const { rules, patterns } = looking;
  const { usage } = vm;
  const { memoryMiB, vcpus, placement } = vm.spec;
  const apart = placement.apartFrom.map((it) => patterns.of(it));
  return {
    name: vm.name,
    node,
    driver: vm.spec.driver ?? "",
    memoryMiB,
    vcpus,
    usedCpus: usage?.cpu?.[rules.window] ?? 0,
    usedMiB: usage?.memoryMiB ?? memoryMiB,
    nodeLabels: placement.nodeLabels,
    isApartFrom: (name) => apart.some((is) => is(name)),
    together: placement.togetherWith.map((it) => patterns.of(it)),
    stays: whyItStays(vm, node, looking),
  };
}

function whyItStays(
  vm: VmView,
  node: string,
  { rules, open }: Looking,
): string | null {
  if (!open.has(node)) return "its node is drained, silent or tells no usage";
  if (vm.status.state !== "running") return "it does not run";
  if (vm.found || vm.unconfirmed === true) return "it is not known well enough";
  if (vm.holder !== null) return "an operation holds it";
  if (rules.isLeft(vm.name)) return "the options leave it";
  if (rules.cooling.has(vm.uid)) return "it was moved a short while ago";
  if (vm.usage === null || vm.usage.cpu === null) return "it tells no usage";
  const isBound = vm.spec.disks.some(({ shared, readonly }) =>
    !shared && !readonly
  );
  return isBound && !rules.moveDisks ? "its disks lie with its node" : null;
}

/** Patterns of names, each compiled once. */
class Patterns {
  readonly #compile: SurveyRules["pattern"];
  readonly #compiled = new Map<string, (name: string) => boolean>();

  constructor(compile: SurveyRules["pattern"]) {
    this.#compile = compile;
  }

  of(pattern: string): (name: string) => boolean {
    const known = this.#compiled.get(pattern);
    if (known !== undefined) return known;
    const made = this.#compile(pattern);
    this.#compiled.set(pattern, made);
    return made;
  }
}
