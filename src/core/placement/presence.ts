/**
 * Presence: on which nodes some VMs lie, counted, and seen by one VM that does
 * not count itself.
 *
 * @module
 */

/** How many VMs there are by node. */
export type Counts = Map<string, number>;

/** Counts VMs on `nodes` once more (1) or once less (-1). */
export function countAt(
  counts: Counts,
  nodes: readonly string[],
  by: 1 | -1,
): void {
  for (const node of nodes) {
    const left = (counts.get(node) ?? 0) + by;
    if (left > 0) counts.set(node, left);
    else counts.delete(node);
  }
}

/** Which nodes have VMs of one kind, seen by one VM that does not count itself. */
export interface Presence {
  readonly pattern: string;
  has(node: string): boolean;
  /** Whether any node has. */
  readonly any: boolean;
  /** Whether there are some, and all lie on `nodes`. */
  within(nodes: readonly string[]): boolean;
}

/** What `counts` says to a VM that is counted on `own` nodes itself, or on none. */
export function presence(
  pattern: string,
  counts: Counts,
  own: readonly string[] = [],
): Presence {
  const has = (node: string) =>
    (counts.get(node) ?? 0) - (own.includes(node) ? 1 : 0) > 0;
  // Without itself to leave out, a node that is counted has one.
  const where = () =>
    own.length === 0 ? [...counts.keys()] : [...counts.keys()].filter(has);
  return {
    pattern,
    has,
    get any() {
      return own.length === 0 ? counts.size > 0 : where().length > 0;
    },
    within: (nodes) => {
      const all = where();
      return all.length > 0 && all.every((node) => nodes.includes(node));
    },
  };
}

/** What is said of VMs of which there is none. */
export function nowhere(pattern: string): Presence {
  return { pattern, has: () => false, any: false, within: () => false };
}
