/**
 * An index of patterns that VMs carry: who of them means a name, and where
 * they lie.
 *
 * A name has three forms that a literal can mean it by, which are looked up;
 * patterns with wildcards must be tried one by one.
 *
 * @module
 */
import { splitVmName } from "../../schema/name.ts";
import { compileName, isGlob } from "../selector.ts";
import { countAt, type Counts } from "./presence.ts";

/** A pattern, and the nodes of some VMs that have to do with it. */
export interface Group {
  readonly test: (name: string) => boolean;
  readonly counts: Counts;
}

/** Patterns of one owner's VMs, with the nodes of those who carry them. */
export class PatternIndex {
  readonly #groups = new Map<string, Group>();
  readonly #globs = new Set<string>();

  /** Counts one VM that carries `patterns` and lies on `nodes`, or does so no more (-1). */
  count(
    patterns: readonly string[],
    nodes: readonly string[],
    by: 1 | -1,
  ): void {
    for (const pattern of new Set(patterns)) {
      const group = this.#groups.get(pattern) ?? this.#begin(pattern);
      countAt(group.counts, nodes, by);
      if (group.counts.size > 0) continue;
      this.#groups.delete(pattern);
      this.#globs.delete(pattern);
    }
  }

  /** The patterns that mean `name`, in an order that no history changes. */
  meaning(name: string): string[] {
    if (this.#groups.size === 0) return [];
    const { vm, cluster } = splitVmName(name);
    const found = [vm, `${vm}.${cluster}`, name].filter((it) =>
      this.#groups.has(it)
    );
    for (const glob of this.#globs) {
      if (this.#groups.get(glob)?.test(name)) found.push(glob);
    }
    return found.sort();
  }

  /** Where those lie who carry `pattern`. */
  counts(pattern: string): Counts {
    return this.#groups.get(pattern)?.counts ?? new Map();
  }

  #begin(pattern: string): Group {
    const group: Group = { test: nameTest(pattern), counts: new Map() };
    this.#groups.set(pattern, group);
    if (isGlob(pattern)) this.#globs.add(pattern);
    return group;
  }
}

/** Whether a pattern means a name; one that cannot be read, as a record may hold, means none. */
export function nameTest(pattern: string): (name: string) => boolean {
  try {
    return compileName(pattern);
  } catch {
    return () => false;
  }
}
