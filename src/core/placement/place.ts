/**
 * Placement: which node takes a VM, decided from a picture of the site.
 *
 * Filters say which nodes can, the score says which should (the one with the
 * largest share of memory left, so VMs spread). Capacity is always computed
 * from the VMs that are there, never counted up and down, so nothing leaks.
 *
 * @module
 */

/** A node, as placement sees it. */
export interface PlacementNode {
  readonly name: string;
  readonly ready: boolean;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Drivers that are healthy there. */
  readonly drivers: readonly string[];
  /** Taken by VMs that are on, or about to be. */
  usedMiB: number;
  usedCpus: number;
}

/** What a VM needs. */
export interface PlacementWish {
  readonly driver: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** The only node allowed. */
  readonly on?: string | undefined;
}

/** Where a VM goes, or why no node can take it. */
export type Placement =
  | { readonly type: "placed"; readonly node: string }
  | {
    readonly type: "refused";
    /** Of the first nodes; a large site has too many to keep for every VM. */
    readonly refusals: Readonly<Record<string, string>>;
  };

/** Refusals that are said one by one. */
const MAX_REFUSALS = 32;

/** Why `node` cannot take `wish`, or null when it can. */
export function refusal(
  node: PlacementNode,
  wish: PlacementWish,
): string | null {
  if (wish.on !== undefined && wish.on !== node.name) {
    return `the request asks for node "${wish.on}"`;
  }
  if (!node.ready) return "out of reach";
  if (!node.drivers.includes(wish.driver)) {
    const has = node.drivers.length === 0 ? "none" : node.drivers.join(", ");
    return `driver "${wish.driver}" is not healthy there (healthy: ${has})`;
  }
  if (wish.vcpus > node.cpus * MAX_VCPUS_PER_CPU) {
    return `needs ${wish.vcpus} vcpus; at most ${
      node.cpus * MAX_VCPUS_PER_CPU
    } in one VM on its ${node.cpus} processors`;
  }
  const free = node.memoryMiB - node.usedMiB;
  if (wish.memoryMiB > free) {
    return `needs ${wish.memoryMiB} MiB, ${
      Math.max(0, free)
    } of ${node.memoryMiB} MiB are free`;
  }
  return null;
}

/** A VM may have so many vcpus for each processor of its node. */
export const MAX_VCPUS_PER_CPU = 8;

/**
 * Places `wishes` one after another as one decision, each seeing what the
 * ones before took. `nodes` are changed to show what they then carry.
 */
export function place(
  nodes: readonly PlacementNode[],
  wishes: readonly PlacementWish[],
): Placement[] {
  return wishes.map((wish) => placeOne(nodes, wish));
}

function placeOne(
  nodes: readonly PlacementNode[],
  wish: PlacementWish,
): Placement {
  let best: PlacementNode | null = null;
  let bestScore = -Infinity;
  for (const node of nodes) {
    if (refusal(node, wish) !== null) continue;
    const score = shareLeft(node, wish);
    if (score > bestScore) [best, bestScore] = [node, score];
  }
  if (best === null) {
    const refusals = refusalsOf(nodes.slice(0, MAX_REFUSALS), wish);
    return { type: "refused", refusals };
  }
  best.usedMiB += wish.memoryMiB;
  best.usedCpus += wish.vcpus;
  return { type: "placed", node: best.name };
}

function shareLeft(node: PlacementNode, wish: PlacementWish): number {
  return (node.memoryMiB - node.usedMiB - wish.memoryMiB) / node.memoryMiB;
}

function refusalsOf(
  nodes: readonly PlacementNode[],
  wish: PlacementWish,
): Record<string, string> {
  return Object.fromEntries(
    nodes.map((node) => [node.name, refusal(node, wish) ?? ""]),
  );
}
