/**
 * What plugins were found to be: read a few at a time, and not again while
 * neither their files nor what is asked of them has changed.
 *
 * Reading one takes a process. A site with many that read all of them side by
 * side, and all of them again for each one that is turned on, would keep the
 * machine busy for longer than the slowest of them may take.
 *
 * @module
 */
import type { PluginReader, PluginReading, ToRead } from "./read.ts";

/** So many are read at the same time. */
const AT_ONCE = 4;
/** So many are remembered; the oldest go first. */
const MOST = 500;

/** Reads plugins, and remembers what they said. */
export class Readings {
  readonly #kept = new Map<string, PluginReading>();
  readonly #waiting: (() => void)[] = [];
  #free = AT_ONCE;

  /** What this plugin is, told by `reader` unless it was before. Throws what the reader throws, and asks again the next time. */
  async read(
    plugin: ToRead,
    reader: Pick<PluginReader, "read">,
  ): Promise<PluginReading> {
    const { name, snapshot: { hash, folder }, registrations } = plugin;
    const key = JSON.stringify([name, hash, folder, registrations]);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    await this.#turn();
    try {
      const reading = await reader.read(plugin);
      this.#keep(key, reading);
      return reading;
    } finally {
      this.#free++;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#free === 0) {
      await new Promise<void>((go) => this.#waiting.push(go));
    }
    this.#free--;
  }

  #keep(key: string, reading: PluginReading): void {
    this.#kept.set(key, reading);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST) return;
      this.#kept.delete(oldest);
    }
  }
}
