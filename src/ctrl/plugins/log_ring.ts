/**
 * What plugins said: the newest lines of each, in memory.
 *
 * Bounded for every plugin by itself, so that one which never stops talking
 * costs a known amount and hides no other's lines. Lines also go to the
 * controller's log; this is what `usher plugin logs` reads.
 *
 * @module
 */
import type { PluginLogLine } from "../../schema/plugin_life.ts";

/** How many lines are kept of each plugin. */
const KEPT = 1000;

/** Whose lines are kept at most; those that said nothing for longest go first. */
const MAX_PLUGINS = 200;

/** Where following begins: with so many old ones, or after the line of this number. */
export type LogStart = { readonly limit: number } | { readonly after: number };

interface Lines {
  readonly ring: PluginLogLine[];
  next: number;
}

/** The newest lines of each plugin. */
export class LogRing {
  readonly #plugins = new Map<string, Lines>();
  /** Tells the numbers of these lines from those of an earlier controller. */
  readonly run: number;
  readonly #kept: number;
  #wake = Promise.withResolvers<void>();

  constructor(run: number, kept = KEPT) {
    this.run = run;
    this.#kept = kept;
  }

  /** Keeps a line. */
  add(plugin: string, line: Omit<PluginLogLine, "number">): void {
    const lines = this.#plugins.get(plugin) ?? { ring: [], next: 0 };
    // Last again: the order of the map is that of the newest lines.
    this.#plugins.delete(plugin);
    this.#plugins.set(plugin, lines);
    lines.ring.push({ number: lines.next++, ...line });
    // Half as much again may pile up, so that trimming is rare.
    if (lines.ring.length >= this.#kept * 1.5) {
      lines.ring.splice(0, lines.ring.length - this.#kept);
    }
    if (this.#plugins.size > MAX_PLUGINS) {
      const [oldest = ""] = this.#plugins.keys();
      this.#plugins.delete(oldest);
    }
    const woken = this.#wake;
    this.#wake = Promise.withResolvers();
    woken.resolve();
  }

  /** The newest lines of a plugin, `limit` at most, oldest first. */
  newest(plugin: string, limit: number): readonly PluginLogLine[] {
    const ring = this.#plugins.get(plugin)?.ring ?? [];
    return ring.slice(Math.max(0, ring.length - Math.min(limit, this.#kept)));
  }

  /**
   * The newest lines, or those after one that was read, then every new one until
   * `signal` aborts. A slow reader misses lines.
   */
  async *follow(
    plugin: string,
    from: LogStart,
    signal: AbortSignal,
  ): AsyncGenerator<PluginLogLine> {
    const gone = Promise.withResolvers<void>();
    const stop = () => gone.resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      let after = "after" in from ? from.after : -1;
      const limit = "limit" in from ? from.limit : this.#kept;
      for (let first = true; !signal.aborted; first = false) {
        const wake = this.#wake.promise;
        const lines = this.newest(plugin, first ? limit : this.#kept)
          .filter(({ number }) => number > after);
        for (const line of lines) {
          after = line.number;
          yield line;
        }
        if (first && limit === 0) after = this.#last(plugin);
        if (lines.length === 0) await Promise.race([wake, gone.promise]);
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #last(plugin: string): number {
    return (this.#plugins.get(plugin)?.next ?? 0) - 1;
  }
}
