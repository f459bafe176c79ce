/**
 * Lanes: what is told of the same thing is told in order, to each who hears it.
 *
 * A firing waits for the earlier ones of its lane that go to a plugin it goes
 * to as well, and for no others: so no plugin hears of a VM's end before its
 * start, and a slow one delays those alone that come after it.
 *
 * @module
 */

/** The lanes in which something is being told. */
export class Lanes {
  /** By lane and plugin, the end of the latest firing: it has waited for those before. */
  readonly #lanes = new Map<string, Map<string, Promise<void>>>();

  /** How many lanes are in use. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Runs `tell` when it is its turn in `lane`, for those `plugins`. */
  async inTurn<T>(
    lane: string,
    plugins: ReadonlySet<string>,
    tell: () => Promise<T>,
  ): Promise<T> {
    const latest = this.#lanes.get(lane) ?? new Map<string, Promise<void>>();
    this.#lanes.set(lane, latest);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const before = new Set<Promise<void>>();
    for (const plugin of plugins) {
      const earlier = latest.get(plugin);
      if (earlier !== undefined) before.add(earlier);
      latest.set(plugin, over);
    }
    try {
      for (const earlier of before) await earlier;
      return await tell();
    } finally {
      for (const plugin of plugins) {
        if (latest.get(plugin) === over) latest.delete(plugin);
      }
      if (latest.size === 0) this.#lanes.delete(lane);
      resolve();
    }
  }
}
