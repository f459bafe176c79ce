/**
 * Nodes of a site of processes, before they are started.
 *
 * @module
 */

/** A node, before it is started. */
export interface NodePlan {
  readonly name: string;
  /** What goes into its `lnm.yaml`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it finds the controller, when not where that listens. */
  readonly url?: (nodesPort: number) => string;
  readonly env?: Readonly<Record<string, string>>;
  /** See `RoleOptions.through`. */
  readonly through?: readonly string[];
}

/** A plan of a node on `sim`, with room for anything. */
export function simNode(name: string): NodePlan {
  return {
    name,
    config: {
      capacity: { cpus: 100_000, memory: "4TiB" },
      drivers: { sim: { enabled: true }, qemu: { enabled: false } },
    },
  };
}

/** A plan of a node with real guests, emulated. */
export function qemuNode(name: string): NodePlan {
  return {
    name,
    config: {
      capacity: { cpus: 1000, memory: "64GiB" },
      drivers: { sim: { enabled: false }, qemu: { accel: "tcg" } },
      migration: { address: "127.0.0.1" },
    },
  };
}
