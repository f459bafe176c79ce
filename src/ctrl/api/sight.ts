/**
 * Sight: which VMs and nodes a watcher is shown, as the chains of reads said
 * when the watch began.
 *
 * What was shown and is to be shown no more, since it is otherwise now, is
 * told of as deleted; what was never shown is not told of at all.
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/caller.ts";
import {
  type Admits,
  admittedNodes,
  admittedVms,
  ALL,
} from "../requests/read_chains.ts";
import type { Change } from "../records/records.ts";
import type { Site } from "../site.ts";
import type { WatchQuery } from "./watch_query.ts";

/** What one watcher is shown. */
export class Sight {
  readonly #vms: Admits<Vm> | null;
  readonly #nodes: Admits<Node> | null;
  /** Of what is not all: which are held by the watcher. */
  readonly #held = new Set<string>();

  /** Null shows all. */
  constructor(vms: Admits<Vm> | null, nodes: Admits<Node> | null) {
    this.#vms = vms;
    this.#nodes = nodes;
  }

  /** Whether something may be hidden: then no earlier watch can be resumed. */
  get isNarrow(): boolean {
    return this.#vms !== null || this.#nodes !== null;
  }

  showsVm(vm: Vm): boolean {
    return this.#shows(vm.uid, this.#vms?.(vm) ?? true);
  }

  showsNode(node: Node): boolean {
    return this.#shows(node.name, this.#nodes?.(node) ?? true);
  }

  /** A change as it is shown: itself, the end of what was shown, or null. */
  of(change: Change): Change | null {
    const { kind, id, value } = change;
    const isNarrowed = kind === "vm"
      ? this.#vms !== null
      : kind === "node" && this.#nodes !== null;
    if (!isNarrowed) return change;
    const isHeld = this.#held.has(id);
    const isShown = value !== null &&
      (kind === "vm"
        ? this.showsVm(value as Vm)
        : this.showsNode(value as Node));
    if (isShown) return change;
    this.#held.delete(id);
    return isHeld ? { ...change, value: null } : null;
  }

  #shows(id: string, isShown: boolean): boolean {
    if (isShown && this.isNarrow) this.#held.add(id);
    return isShown;
  }
}

/** Asks the chains what a watcher is shown. Throws `refused` and `plugin_failed`. */
export async function sightOf(
  site: Site,
  caller: Caller,
  { kinds }: WatchQuery,
): Promise<Sight> {
  const vms = kinds.has("vm") ? await admittedVms(caller, ALL, site) : null;
  const nodes = kinds.has("node")
    ? await admittedNodes(caller, ALL, site)
    : null;
  return new Sight(vms, nodes);
}
