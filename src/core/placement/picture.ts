/**
 * The picture of the site that placement decides on: nodes, and what their VMs
 * take of them.
 *
 * It is derived from records alone: whoever keeps it says what each VM and
 * node is now, and what was there before is taken out first, so nothing is
 * ever counted up or down by hand and nothing leaks. A picture made anew from
 * the same records is the same (`snapshot`).
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import { Neighbours, type Resident } from "./neighbours.ts";

/** A node, as placement sees it. */
export type PlacementNode = Pick<
  Node,
  | "name"
  | "state"
  | "since"
  | "draining"
  | "capacity"
  | "overcommit"
  | "labels"
  | "drivers"
>;

/** What VMs take of a node: all that lie there, and what those take that are on. */
export interface Taken {
  vms: number;
  memoryMiB: number;
  cpus: number;
}

/** A node with what it may promise, and what it has promised. */
export interface Place {
  readonly name: string;
  readonly node: PlacementNode;
  /** Its memory and processors, times their overcommit ratios. */
  readonly roomMiB: number;
  readonly roomCpus: number;
  readonly taken: Readonly<Taken>;
  /** Where it stands among all, by name. */
  readonly order: number;
}

/** So many answers about nodes are kept; each is a list of nodes. */
const MAX_ELIGIBLE = 64;

const NOTHING: Readonly<Taken> = { vms: 0, memoryMiB: 0, cpus: 0 };

/** Nodes and their VMs. */
export class Picture {
  readonly neighbours: Neighbours = new Neighbours();
  readonly #nodes = new Map<string, PlacementNode>();
  readonly #residents = new Map<string, Resident>();
  /** Also of nodes that are not known (yet): their VMs may be read first. */
  readonly #taken = new Map<string, Taken>();
  #places: readonly Place[] | null = null;
  /** Nodes that no fixed filter refuses, by what those ask for; as long as no node changes. */
  readonly #eligible = new Map<string, readonly Place[]>();
  #byName: ReadonlyMap<string, Place> = new Map();

  /** Notes what a node is now; null when there is none of this name. */
  setNode(name: string, node: PlacementNode | null): void {
    if ((this.#nodes.get(name) ?? null) === node) return;
    if (node === null) this.#nodes.delete(name);
    else this.#nodes.set(name, node);
    this.#places = null;
    this.#eligible.clear();
  }

  /** Notes what a VM is now; null when it lies on no node. */
  setResident(uid: string, resident: Resident | null): void {
    const before = this.#residents.get(uid);
    if (before !== undefined) this.#count(before, -1);
    if (resident === null) this.#residents.delete(uid);
    else {
      this.#residents.set(uid, resident);
      this.#count(resident, 1);
    }
    if (before !== undefined && resident !== null && same(before, resident)) {
      return this.neighbours.replace(resident);
    }
    if (before !== undefined) this.neighbours.remove(before);
    if (resident !== null) this.neighbours.add(resident);
  }

  /** A VM that lies on a node. */
  resident(uid: string): Resident | undefined {
    return this.#residents.get(uid);
  }

  /** Nodes in the order of their names, so that the same site always decides the same. */
  places(): readonly Place[] {
    if (this.#places !== null) return this.#places;
    const nodes = [...this.#nodes.values()].sort((a, b) =>
      a.name < b.name ? -1 : 1
    );
    const places = nodes.map((node, order) => this.#placeOf(node, order));
    this.#byName = new Map(places.map((place) => [place.name, place]));
    this.#places = places;
    return places;
  }

  /** The node of this name. */
  place(name: string): Place | undefined {
    this.places();
    return this.#byName.get(name);
  }

  /**
   * Nodes of which `is` holds, found once for all who ask by the same key. It
   * may look at nodes alone, not at their VMs.
   */
  eligible(key: string, is: (place: Place) => boolean): readonly Place[] {
    const known = this.#eligible.get(key);
    if (known !== undefined) return known;
    const found = this.places().filter(is);
    const [oldest] = this.#eligible.keys();
    if (this.#eligible.size >= MAX_ELIGIBLE && oldest !== undefined) {
      this.#eligible.delete(oldest);
    }
    this.#eligible.set(key, found);
    return found;
  }

  /** What VMs take of a node. */
  taken(name: string): Readonly<Taken> {
    return this.#taken.get(name) ?? NOTHING;
  }

  /** All of it as plain values, to be compared. */
  snapshot(): unknown {
    const taken = [...this.#taken].filter(([, { vms, memoryMiB, cpus }]) =>
      vms !== 0 || memoryMiB !== 0 || cpus !== 0
    );
    return {
      nodes: this.places().map(({ node }) => node),
      residents: sorted([...this.#residents]),
      taken: sorted(taken),
    };
  }

  #placeOf(node: PlacementNode, order: number): Place {
    return {
      name: node.name,
      node,
      roomMiB: Math.floor(node.capacity.memoryMiB * node.overcommit.memory),
      roomCpus: Math.floor(node.capacity.cpus * node.overcommit.cpus),
      taken: this.#takenOf(node.name),
      order,
    };
  }

  #takenOf(name: string): Taken {
    const known = this.#taken.get(name);
    if (known !== undefined) return known;
    const taken = { ...NOTHING };
    this.#taken.set(name, taken);
    return taken;
  }

  #count({ nodes, on, memoryMiB, vcpus }: Resident, by: 1 | -1): void {
    for (const [i, name] of nodes.entries()) {
      const taken = this.#takenOf(name);
      // One that moves is told of once, and takes its part of both.
      if (i === 0) taken.vms += by;
      if (!on) continue;
      taken.memoryMiB += by * memoryMiB;
      taken.cpus += by * vcpus;
    }
  }
}

/** Whether nothing changed that neighbours are found by. */
function same(a: Resident, b: Resident): boolean {
  return a.name === b.name && equal(a.nodes, b.nodes) &&
    equal(a.apartFrom, b.apartFrom) && equal(a.togetherWith, b.togetherWith);
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((it, i) => it === b[i]));
}

function sorted<T>(entries: [string, T][]): [string, T][] {
  return entries.sort(([a], [b]) => a < b ? -1 : 1);
}
