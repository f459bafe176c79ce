/**
 * All chains of one set of plugins, and how many firings still use them.
 *
 * A set never changes: a reload makes another, and a firing that has begun
 * ends with the set it began with.
 *
 * @module
 */
import { Handler, type HandlerParts } from "./handler.ts";
import type { LoadedPlugin } from "../runner.ts";
import type { CallStats } from "./stats.ts";

/** The handlers of each event, in order. */
export class ChainSet {
  readonly plugins: readonly LoadedPlugin[];
  readonly #chains = new Map<string, readonly Handler[]>();
  readonly #byKey = new Map<string, Handler>();
  readonly #hashes = new Map<string, string>();
  /** Firings that have begun and not ended. */
  running = 0;

  /** `before` is the set that it takes the place of: what was counted goes on. */
  constructor(
    parts: HandlerParts,
    plugins: readonly LoadedPlugin[],
    before: ChainSet | null,
  ) {
    this.plugins = plugins;
    const chains = new Map<string, Handler[]>();
    for (const plugin of plugins) {
      this.#hashes.set(plugin.name, plugin.snapshot.hash);
      const counts = new Map<string, number>();
      for (const registration of plugin.registrations) {
        const { event } = registration;
        const number = counts.get(event) ?? 0;
        counts.set(event, number + 1);
        const name = `${plugin.name}#${number}`;
        const key = `${event}/${name}`;
        const stats = before?.statsOf(key);
        const handler = new Handler(parts, {
          registration,
          plugin,
          name,
          stats,
        });
        this.#byKey.set(key, handler);
        chains.set(event, [...chains.get(event) ?? [], handler]);
      }
    }
    for (const [event, handlers] of chains) {
      this.#chains.set(event, handlers.sort(Handler.compare));
    }
  }

  /** The handlers of an event, in order. */
  chain(event: string): readonly Handler[] {
    return this.#chains.get(event) ?? [];
  }

  /** Whether this version of a plugin is in the set. */
  has(plugin: string, hash: string): boolean {
    return this.#hashes.get(plugin) === hash;
  }

  statsOf(key: string): CallStats | undefined {
    return this.#byKey.get(key)?.stats;
  }

  /** The handlers of one plugin, as they were registered. */
  of(plugin: string): Handler[] {
    return [...this.#byKey.values()].filter((handler) =>
      handler.plugin === plugin
    );
  }

  /** The versions of the plugins that hear any of these events. */
  versions(events: readonly string[]): Record<string, string> {
    return Object.fromEntries(
      events.flatMap((event) =>
        this.chain(event).map(({ plugin, hash }) => [plugin, hash])
      ),
    );
  }
}
