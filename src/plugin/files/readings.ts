/**
 * What plugins were found to be: read a few at a time, and not again while
 * neither their files nor what is asked of them has changed.
 *
 * Reading one takes a process. A site with many that read all of them side by
 * side, and all of them again for each one that is turned on, would keep the
 * machine busy for longer than the slowest of them may take. What was found is
 * kept beside the snapshots too, for a controller that starts again.
 *
 * @module
 */
import { keepReading, keptReading } from "./kept_reading.ts";
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
  readonly #usher: string | null;

  /** `usher` names the program exactly; null for one whose readings are not kept on disk. */
  constructor(usher: string | null = null) {
    this.#usher = usher;
  }

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
      const reading = await this.#readKept(plugin, reader);
      this.#keep(key, reading);
      return reading;
    } finally {
      this.#free++;
      this.#waiting.shift()?.();
    }
  }

  async #readKept(
    plugin: ToRead,
    reader: Pick<PluginReader, "read">,
  ): Promise<PluginReading> {
    const usher = this.#usher;
    if (usher === null) return await reader.read(plugin);
    const kept = await keptReading(plugin, usher);
    if (kept !== null) return kept;
    const reading = await reader.read(plugin);
    await keepReading(plugin, usher, reading);
    return reading;
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
