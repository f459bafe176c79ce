/**
 * Circles of imports: files that come back to themselves by what they import,
 * imports of types included. Two files in a circle cannot be understood, or
 * moved, one without the other.
 *
 * @module
 */

/** One import: a file of the repository, and a file of it or a package. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

type Targets = ReadonlyMap<string, ReadonlySet<string>>;

/** Each circle once, as its files in the order of importing; the shortest through each file. */
export function circles(imports: readonly Import[]): string[] {
  const targets = withoutEnds(imports);
  const told = new Set<string>();
  const found: string[] = [];
  for (const file of [...targets.keys()].toSorted()) {
    if (told.has(file)) continue;
    const ring = ringFrom(file, targets);
    if (ring === null) continue;
    for (const member of ring) told.add(member);
    found.push(`${[...ring, file].join(" -> ")}: a circle of imports`);
  }
  return found;
}

/** What can be in a circle: again and again, files that import nothing of it go. */
function withoutEnds(imports: readonly Import[]): Targets {
  const targets = new Map<string, Set<string>>();
  const importers = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    targets.set(from, (targets.get(from) ?? new Set()).add(to));
    importers.set(to, (importers.get(to) ?? new Set()).add(from));
  }
  const ends = [...importers.keys()].filter((file) => !targets.has(file));
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    targets.delete(end);
    for (const importer of importers.get(end) ?? []) {
      const its = targets.get(importer);
      if (its?.delete(end) === true && its.size === 0) ends.push(importer);
    }
  }
  return targets;
}

/** The shortest way from `start` back to it, without the last step; null when there is none. */
function ringFrom(start: string, targets: Targets): string[] | null {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of targets.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}
