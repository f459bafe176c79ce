/**
 * Neighbours: which nodes have VMs of an owner that a pattern means.
 *
 * `apartFrom` and `togetherWith` are patterns over the names of the same
 * owner's VMs. Kept as VMs come and go, so that a decision need not read them
 * all: names by their first label, the patterns that VMs want to be apart from
 * with the nodes of those VMs, and what was asked of late.
 *
 * @module
 */
import { compileName, isGlob } from "../selector.ts";
import { splitVmName } from "../../schema/name.ts";

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
}

/** How many VMs there are by node. */
type Counts = Map<string, number>;

/** A pattern, and the nodes of some VMs that have to do with it. */
interface Group {
  readonly test: (name: string) => boolean;
  readonly counts: Counts;
}

interface Owner {
  /** By the first label of their names. */
  readonly byLabel: Map<string, Map<string, Resident>>;
  /** Patterns that residents want to be apart from, and where those lie. */
  readonly repelled: Map<string, Group>;
  /** Those of them with wildcards, which must all be tried. */
  readonly repelledGlobs: Set<string>;
  /** Patterns that were asked for of late, and where those lie who match. */
  readonly asked: Map<string, Group>;
}

/**
 * So many patterns with wildcards may stand in the specs of one owner's VMs:
 * each costs a test at every write and every placement of them.
 */
export const MAX_GLOBS = 64;

/** Which nodes have VMs of one kind, seen by one VM that does not count itself. */
export interface Presence {
  readonly pattern: string;
  has(node: string): boolean;
  /** Whether any node has. */
  readonly any: boolean;
  /** Whether there are some, and all lie on `nodes`. */
  within(nodes: readonly string[]): boolean;
}

/** Residents by owner and name. */
export class Neighbours {
  readonly #owners = new Map<string, Owner>();

  /** Counts a resident. */
  add(resident: Resident): void {
    const { user, vm } = splitVmName(resident.name);
    const owner = this.#owner(user);
    const labelled = owner.byLabel.get(vm) ?? new Map<string, Resident>();
    owner.byLabel.set(vm, labelled.set(resident.uid, resident));
    for (const pattern of new Set(resident.apartFrom)) {
      if (!owner.repelled.has(pattern)) {
        const test = nameTest(pattern);
        owner.repelled.set(pattern, { test, counts: new Map() });
        if (isGlob(pattern)) owner.repelledGlobs.add(pattern);
      }
      count(owner.repelled.get(pattern)?.counts, resident, 1);
    }
    countAsked(owner, resident, 1);
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
    for (const pattern of new Set(resident.apartFrom)) {
      const group = owner.repelled.get(pattern);
      count(group?.counts, resident, -1);
      if (group?.counts.size !== 0) continue;
      owner.repelled.delete(pattern);
      owner.repelledGlobs.delete(pattern);
    }
    countAsked(owner, resident, -1);
    if (owner.byLabel.size === 0) this.#owners.delete(user);
  }

  /** Where VMs of the owner of `name` lie that `pattern` means, besides `own`. */
  matching(name: string, pattern: string, own?: Resident): Presence {
    const owner = this.#owners.get(splitVmName(name).user);
    if (owner === undefined) return nowhere(pattern);
    const group = owner.asked.get(pattern) ?? groupOf(owner, pattern);
    const counted = own !== undefined && group.test(own.name);
    return presence(pattern, group.counts, counted ? own : undefined);
  }

  /** Where VMs of the owner of `name` lie that want to be apart from it. */
  repelling(name: string, own?: Resident): Presence[] {
    const owner = this.#owners.get(splitVmName(name).user);
    if (owner === undefined || owner.repelled.size === 0) return [];
    const patterns = literalsOf(name).filter((it) => owner.repelled.has(it));
    for (const pattern of owner.repelledGlobs) {
      if (owner.repelled.get(pattern)?.test(name)) patterns.push(pattern);
    }
    // What is said of them must not depend on who came first.
    return patterns.sort().map((pattern) => {
      const counts = owner.repelled.get(pattern)?.counts ?? new Map();
      const counted = own?.apartFrom.includes(pattern) === true;
      return presence(pattern, counts, counted ? own : undefined);
    }).filter(({ any }) => any);
  }

  /** Residents of the owner of `name`, to tell of them. */
  *of(name: string): Generator<Resident> {
    const owner = this.#owners.get(splitVmName(name).user);
    for (const labelled of owner?.byLabel.values() ?? []) {
      yield* labelled.values();
    }
  }

  #owner(user: string): Owner {
    const known = this.#owners.get(user);
    if (known !== undefined) return known;
    const made: Owner = {
      byLabel: new Map(),
      repelled: new Map(),
      repelledGlobs: new Set(),
      asked: new Map(),
    };
    this.#owners.set(user, made);
    return made;
  }
}

/** Finds who matches; what costs a look at all is kept up to date from now on. */
function groupOf(owner: Owner, pattern: string): Group {
  const group: Group = { test: nameTest(pattern), counts: new Map() };
  const labelled = isGlob(pattern)
    ? owner.byLabel.values()
    : [owner.byLabel.get(pattern.split(".")[0] ?? "") ?? new Map()];
  for (const residents of labelled) {
    for (const resident of residents.values()) {
      if (group.test(resident.name)) count(group.counts, resident, 1);
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

function countAsked(owner: Owner, resident: Resident, by: 1 | -1): void {
  for (const { test, counts } of owner.asked.values()) {
    if (test(resident.name)) count(counts, resident, by);
  }
}

function count(counts: Counts | undefined, { nodes }: Resident, by: 1 | -1) {
  for (const node of nodes) {
    const left = (counts?.get(node) ?? 0) + by;
    if (left > 0) counts?.set(node, left);
    else counts?.delete(node);
  }
}

/** `web`, `web.lab` and `web.lab.ann` are all that a literal can mean it by. */
function literalsOf(name: string): string[] {
  const { vm, cluster } = splitVmName(name);
  return [vm, `${vm}.${cluster}`, name];
}

/** Whether a pattern means a name; one that cannot be read, as a record may hold, means none. */
export function nameTest(pattern: string): (name: string) => boolean {
  try {
    return compileName(pattern);
  } catch {
    return () => false;
  }
}

function presence(
  pattern: string,
  counts: Counts,
  own: Resident | undefined,
): Presence {
  const has = (node: string) =>
    (counts.get(node) ?? 0) - (own?.nodes.includes(node) ? 1 : 0) > 0;
  // Without itself to leave out, a node that is counted has one.
  const where = () =>
    own === undefined ? [...counts.keys()] : [...counts.keys()].filter(has);
  return {
    pattern,
    has,
    get any() {
      return own === undefined ? counts.size > 0 : where().length > 0;
    },
    within: (nodes) => {
      const all = where();
      return all.length > 0 && all.every((node) => nodes.includes(node));
    },
  };
}

function nowhere(pattern: string): Presence {
  return { pattern, has: () => false, any: false, within: () => false };
}
