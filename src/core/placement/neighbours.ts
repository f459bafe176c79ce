/**
 * Neighbours: which nodes have VMs of an owner that a pattern means.
 *
 * `apartFrom` and `togetherWith` are patterns over the names of the same
 * owner's VMs. Kept as VMs come and go, so that a decision need not read them
 * all: names by their first label, the patterns that VMs carry with the nodes
 * of those VMs, and what was asked of late.
 *
 * @module
 */
import { isGlob } from "../selector.ts";
import { splitVmName } from "../../schema/name.ts";
import { type Group, nameTest, PatternIndex } from "./pattern_index.ts";
import { countAt, nowhere, type Presence, presence } from "./presence.ts";

/** A VM that lies on a node, on or off, or is about to. */
export interface Resident {
  readonly uid: string;
  /** The full name. */
  readonly name: string;
  /** Its node first; others while it moves. */
  readonly nodes: readonly string[];
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** Whether it takes memory and processors there, or is promised them. */
  readonly on: boolean;
  /** Patterns of the VMs that it must not share a node with. */
  readonly apartFrom: readonly string[];
  /** Patterns of the VMs of which one must be on its node. */
  readonly togetherWith: readonly string[];
}

interface Owner {
  /** By the first label of their names. */
  readonly byLabel: Map<string, Map<string, Resident>>;
  readonly apartFrom: PatternIndex;
  readonly togetherWith: PatternIndex;
  /** Patterns that were asked for of late, and where those lie who match. */
  readonly asked: Map<string, Group>;
}

/**
 * So many patterns with wildcards may stand in the specs of one owner's VMs:
 * each costs a test at every write and every placement of them.
 */
export const MAX_GLOBS = 64;

/** Residents by owner and name. */
export class Neighbours {
  readonly #owners = new Map<string, Owner>();

  /** Counts a resident. */
  add(resident: Resident): void {
    const { user, vm } = splitVmName(resident.name);
    const owner = this.#owner(user);
    const labelled = owner.byLabel.get(vm) ?? new Map<string, Resident>();
    owner.byLabel.set(vm, labelled.set(resident.uid, resident));
    count(owner, resident, 1);
  }

  /** Takes a resident in place of one that differs in nothing counted here. */
  replace(resident: Resident): void {
    const { user, vm } = splitVmName(resident.name);
    this.#owner(user).byLabel.get(vm)?.set(resident.uid, resident);
  }

  /** Counts a resident no more; it must be the one that was added. */
  remove(resident: Resident): void {
    const { user, vm } = splitVmName(resident.name);
    const owner = this.#owner(user);
    const labelled = owner.byLabel.get(vm);
    labelled?.delete(resident.uid);
    if (labelled?.size === 0) owner.byLabel.delete(vm);
    count(owner, resident, -1);
    if (owner.byLabel.size === 0) this.#owners.delete(user);
  }

  /** Where VMs of the owner of `name` lie that `pattern` means, besides `own`. */
  matching(name: string, pattern: string, own?: Resident): Presence {
    const owner = this.#ownerOf(name);
    if (owner === undefined) return nowhere(pattern);
    const group = owner.asked.get(pattern) ?? groupOf(owner, pattern);
    const counted = own !== undefined && group.test(own.name);
    return presence(pattern, group.counts, counted ? own.nodes : []);
  }

  /** Where VMs of the owner of `name` lie that must be apart from it. */
  repelling(name: string, own?: Resident): Presence[] {
    const index = this.#ownerOf(name)?.apartFrom;
    return carriers(index, name, own?.apartFrom, own);
  }

  /** Where VMs of the owner of `name` lie that must be together with it. */
  attracting(name: string, own?: Resident): Presence[] {
    const index = this.#ownerOf(name)?.togetherWith;
    return carriers(index, name, own?.togetherWith, own);
  }

  /** Residents of the owner of `name`, to tell of them. */
  *of(name: string): Generator<Resident> {
    for (const labelled of this.#ownerOf(name)?.byLabel.values() ?? []) {
      yield* labelled.values();
    }
  }

  #ownerOf(name: string): Owner | undefined {
    return this.#owners.get(splitVmName(name).user);
  }

  #owner(user: string): Owner {
    const known = this.#owners.get(user);
    if (known !== undefined) return known;
    const made: Owner = {
      byLabel: new Map(),
      apartFrom: new PatternIndex(),
      togetherWith: new PatternIndex(),
      asked: new Map(),
    };
    this.#owners.set(user, made);
    return made;
  }
}

/** Where those lie who carry a pattern that means `name`, besides `own`. */
function carriers(
  index: PatternIndex | undefined,
  name: string,
  ofOwn: readonly string[] = [],
  own: Resident | undefined,
): Presence[] {
  if (index === undefined) return [];
  return index.meaning(name).map((pattern) => {
    const counted = own !== undefined && ofOwn.includes(pattern);
    return presence(pattern, index.counts(pattern), counted ? own.nodes : []);
  }).filter(({ any }) => any);
}

/** Finds who matches; what costs a look at all is kept up to date from now on. */
function groupOf(owner: Owner, pattern: string): Group {
  const group: Group = { test: nameTest(pattern), counts: new Map() };
  const labelled = isGlob(pattern)
    ? owner.byLabel.values()
    : [owner.byLabel.get(pattern.split(".")[0] ?? "") ?? new Map()];
  for (const residents of labelled) {
    for (const { name, nodes } of residents.values()) {
      if (group.test(name)) countAt(group.counts, nodes, 1);
    }
  }
  if (!isGlob(pattern)) return group;
  const [oldest] = owner.asked.keys();
  if (owner.asked.size >= MAX_GLOBS && oldest !== undefined) {
    owner.asked.delete(oldest);
  }
  owner.asked.set(pattern, group);
  return group;
}

function count(owner: Owner, resident: Resident, by: 1 | -1): void {
  const { name, nodes, apartFrom, togetherWith } = resident;
  owner.apartFrom.count(apartFrom, nodes, by);
  owner.togetherWith.count(togetherWith, nodes, by);
  for (const { test, counts } of owner.asked.values()) {
    if (test(name)) countAt(counts, nodes, by);
  }
}
