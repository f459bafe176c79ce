/**
 * The driver of a VM that names none.
 *
 * @module
 */
import { healthyDrivers } from "./records/capacity.ts";
import type { Records } from "./records/records.ts";

/** The configured driver, or with `auto` the one that most nodes have; null when none has any. */
export function defaultDriver(
  configured: string,
  records: Records,
): string | null {
  if (configured !== "auto") return configured;
  const counts = new Map<string, number>();
  for (const node of records.nodes.values()) {
    for (const driver of healthyDrivers(node)) {
      counts.set(driver, (counts.get(driver) ?? 0) + 1);
    }
  }
  let best: string | null = null;
  // A simulator is nobody's default where anything real is there.
  for (const [driver, count] of counts) {
    if (
      best === null || best === "sim" ||
      (driver !== "sim" && count > (counts.get(best) ?? 0))
    ) best = driver;
  }
  return best;
}

/** The names of all drivers that nodes tell of, healthy or not. */
export function knownDrivers(records: Records): string[] {
  const all = [...records.nodes.values()].flatMap(({ drivers }) => drivers);
  return [...new Set(all.map(({ name }) => name))].toSorted();
}
