/**
 * Which version of each plugin is called: the one registered now, or an older
 * one for what began with it.
 *
 * A reload swaps all chains at once. What has begun must not see half of it:
 * a firing goes on with the handlers it was begun with, and an operation with
 * the versions of plugins that were there when it began. The runner holds the
 * older ones for so long. After a restart they are loaded again when something
 * that began with them goes on, and end when nothing needs them.
 *
 * @module
 */
import { ChainSet } from "./chain_set.ts";
import type { Firing } from "../events.ts";
import { Handler, type HandlerParts } from "./handler.ts";
import { messageOf } from "../../error/mod.ts";
import type { LoadedPlugin } from "../runner.ts";

/** How often it is looked whether an older version is needed still. */
const SWEEP_MS = 1000;

/** How often it is looked when nothing is fired. */
const LATER_MS = 10_000;

/** What versions are kept by. */
export interface VersionsParts extends HandlerParts {
  readonly frozen?: (
    operation: string,
  ) => Readonly<Record<string, string>> | undefined;
  readonly needed?: () => ReadonlySet<string>;
  /** A version that was used before, as it was then; null when it is gone. */
  readonly recall?: (
    plugin: string,
    hash: string,
  ) => Promise<LoadedPlugin | null>;
}

/** The handlers of one firing; they are held until it is disposed of. */
export interface Begun extends Disposable {
  readonly handlers: readonly Handler[];
  /** Plugins whose version it began with is gone: none of their handlers is called. */
  readonly gone: readonly string[];
}

/** A version of a plugin. */
type Version = readonly [plugin: string, hash: string];

/** The chains registered now, and older ones that are needed still. */
export class Versions {
  readonly #parts: VersionsParts;
  #current: ChainSet;
  readonly #older = new Set<ChainSet>();
  /** Those that may be registered next. */
  #prepared: readonly LoadedPlugin[] = [];
  /** One after another, since the runner takes one set at a time. */
  #swaps: Promise<void> = Promise.resolve();
  #sweptAt = 0;
  #sweeping: Disposable | null = null;
  /** Older versions as they were looked for: null for those that are gone. */
  readonly #recalled = new Map<string, LoadedPlugin | null>();

  constructor(parts: VersionsParts) {
    this.#parts = parts;
    this.#current = new ChainSet(parts, [], null);
  }

  get current(): ChainSet {
    return this.#current;
  }

  /** Starts these beside those of now, and ends others that were prepared. */
  prepare(plugins: readonly LoadedPlugin[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#prepared = plugins;
      await this.#use(plugins);
    });
  }

  /** Takes these plugins; rejects with what the runner says, and changes nothing then. */
  replace(plugins: readonly LoadedPlugin[]): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#current;
      this.#forget();
      await this.#use(plugins);
      this.#prepared = [];
      this.#current = new ChainSet(this.#parts, plugins, before);
      if (before.plugins.length > 0) this.#older.add(before);
      await this.#letGo();
    });
  }

  /** The handlers of a firing that begins now; older versions are loaded where it needs them. */
  async begin(event: string, firing: Firing): Promise<Begun> {
    const missing = this.#missing(event, firing);
    if (missing.length > 0) await this.#recall(event, missing);
    const { handlers, gone } = this.#handlers(event, firing);
    const sets = new Set([
      this.#current,
      ...[...this.#older].filter((set) =>
        handlers.some((handler) => set.chain(event).includes(handler))
      ),
    ]);
    for (const set of sets) set.running++;
    return {
      handlers,
      gone,
      [Symbol.dispose]: () => {
        for (const set of sets) set.running--;
        this.#sweep();
      },
    };
  }

  /** Looks for older versions no more. */
  [Symbol.dispose](): void {
    this.#sweeping?.[Symbol.dispose]();
  }

  /** The versions that a firing began with and that are not those of now. */
  #others({ versions, operation }: Firing): Version[] {
    const frozen = versions ??
      (operation == null ? undefined : this.#parts.frozen?.(operation));
    if (frozen === undefined) return [];
    return Object.entries(frozen).filter(([plugin, hash]) =>
      !this.#current.has(plugin, hash)
    );
  }

  /** Those of them that would hear `event`, as far as is known, and are not there. */
  #missing(event: string, firing: Firing): Version[] {
    if (this.#parts.recall === undefined) return [];
    return this.#others(firing).filter((version) => {
      if (this.#setOf(version) !== undefined) return false;
      const recalled = this.#recalled.get(version.join(" "));
      return recalled === undefined || (recalled !== null &&
        recalled.registrations.some((one) => one.event === event));
    });
  }

  #setOf([plugin, hash]: Version): ChainSet | undefined {
    return [...this.#older].findLast((one) => one.has(plugin, hash));
  }

  /** Loads those that hear `event`; what it finds gone is known as that. */
  #recall(event: string, missing: readonly Version[]): Promise<void> {
    return this.#inTurn(async () => {
      const found: LoadedPlugin[] = [];
      for (const version of missing) {
        // Another firing may have had it loaded meanwhile.
        if (this.#setOf(version) !== undefined) continue;
        const plugin = await this.#lookFor(version);
        const hears = plugin?.registrations.some((one) => one.event === event);
        if (plugin !== null && hears === true) found.push(plugin);
      }
      if (found.length === 0) return;
      this.#older.add(new ChainSet(this.#parts, found, this.#current));
      this.#parts.log.info("older versions of plugins are loaded again", {
        plugins: found.map(({ name }) => name),
      });
      await this.#use(this.#prepared);
    }).catch((error) => {
      // Their calls fail then, and tell why.
      this.#parts.log.error("older versions of plugins could not be loaded", {
        error: messageOf(error),
      });
    });
  }

  async #lookFor([plugin, hash]: Version): Promise<LoadedPlugin | null> {
    const key = `${plugin} ${hash}`;
    const known = this.#recalled.get(key);
    if (known !== undefined) return known;
    const found = await this.#parts.recall?.(plugin, hash) ?? null;
    this.#recalled.set(key, found);
    if (found === null) {
      this.#parts.log.error("a version of a plugin is needed and is gone", {
        plugin,
        hash,
      });
    }
    return found;
  }

  #handlers(
    event: string,
    firing: Firing,
  ): { handlers: readonly Handler[]; gone: readonly string[] } {
    const chain = this.#current.chain(event);
    const others = this.#others(firing);
    const gone = others.filter((version) =>
      this.#setOf(version) === undefined &&
      this.#recalled.get(version.join(" ")) === null
    ).map(([plugin]) => plugin);
    const its = others.length === 0
      ? chain
      : this.#asBegun(event, chain, others)
        .filter(({ plugin }) => !gone.includes(plugin));
    const { except, only } = firing;
    if (except === undefined && only === undefined) {
      return { handlers: its, gone };
    }
    const handlers = its.filter(({ plugin, registration }) =>
      !(except ?? []).includes(plugin) &&
      (only === undefined || registration.id === only)
    );
    return { handlers, gone };
  }

  /** The chain with the versions that something began with, as far as they are there. */
  #asBegun(
    event: string,
    chain: readonly Handler[],
    others: readonly Version[],
  ): readonly Handler[] {
    const older = others.flatMap((version) =>
      (this.#setOf(version)?.chain(event) ?? []).filter(({ plugin }) =>
        plugin === version[0]
      )
    );
    if (older.length === 0) return chain;
    const replaced = new Set(older.map(({ plugin }) => plugin));
    return [...chain.filter(({ plugin }) => !replaced.has(plugin)), ...older]
      .sort(Handler.compare);
  }

  #sweep(): void {
    if (this.#older.size === 0) return;
    // When nothing is fired any more, too, the last of them ends.
    this.#sweeping ??= this.#parts.clock.after(LATER_MS, () => {
      this.#sweeping = null;
      this.#sweep();
    });
    const now = this.#parts.clock.monotonic();
    const isIdle = [...this.#older].some(({ running }) => running === 0);
    if (!isIdle || now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    if (!this.#forget()) return;
    void this.#inTurn(() => this.#letGo());
  }

  /** Drops the sets that nothing needs any more; whether there were any. */
  #forget(): boolean {
    const needed = this.#parts.needed?.() ?? new Set();
    const before = this.#older.size;
    for (const set of this.#older) {
      const isNeeded = set.plugins.some(({ name, snapshot: { hash } }) =>
        needed.has(hash) && !this.#current.has(name, hash)
      );
      if (set.running === 0 && !isNeeded) this.#older.delete(set);
    }
    if (this.#older.size === before) return false;
    // Their snapshots may go, too; what is gone does not come back.
    for (const [key, plugin] of this.#recalled) {
      if (plugin !== null) this.#recalled.delete(key);
    }
    return true;
  }

  /** Lets the runner have these, the newest of each name first, and all that is needed besides. */
  async #use(newest: readonly LoadedPlugin[]): Promise<void> {
    const sets = [this.#current, ...[...this.#older].toReversed()];
    const all = new Set([...newest, ...sets.flatMap(({ plugins }) => plugins)]);
    await this.#parts.runner.use([...all]);
  }

  /** Lets the runner go of what is not needed. */
  async #letGo(): Promise<void> {
    this.#forget();
    try {
      await this.#use(this.#prepared);
    } catch (error) {
      this.#parts.log.warn("plugins that are not needed are still there", {
        error,
      });
    }
  }

  #inTurn(swap: () => Promise<void>): Promise<void> {
    const turn = this.#swaps.then(swap);
    this.#swaps = turn.catch(() => {});
    return turn;
  }
}
