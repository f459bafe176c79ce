/**
 * Which version of each plugin is called: the one registered now, or an older
 * one for what began with it.
 *
 * A reload swaps all chains at once. What has begun must not see half of it:
 * a firing goes on with the handlers it was begun with, and an operation with
 * the versions of plugins that were there when it began. The runner holds the
 * older ones for so long.
 *
 * @module
 */
import { ChainSet } from "./chain_set.ts";
import type { Firing } from "../events.ts";
import { Handler, type HandlerParts } from "./handler.ts";
import type { LoadedPlugin } from "../runner.ts";

/** How often it is looked whether an older version is needed still. */
const SWEEP_MS = 1000;

/** What versions are kept by. */
export interface VersionsParts extends HandlerParts {
  readonly frozen?: (
    operation: string,
  ) => Readonly<Record<string, string>> | undefined;
  readonly needed?: () => ReadonlySet<string>;
}

/** The handlers of one firing; they are held until it is disposed of. */
export interface Begun extends Disposable {
  readonly handlers: readonly Handler[];
}

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

  /** The handlers of a firing that begins now. */
  begin(event: string, firing: Firing): Begun {
    const handlers = this.#handlers(event, firing);
    const sets = new Set([
      this.#current,
      ...[...this.#older].filter((set) =>
        handlers.some((handler) => set.chain(event).includes(handler))
      ),
    ]);
    for (const set of sets) set.running++;
    return {
      handlers,
      [Symbol.dispose]: () => {
        for (const set of sets) set.running--;
        this.#sweep();
      },
    };
  }

  #handlers(
    event: string,
    { operation, except, only }: Firing,
  ): readonly Handler[] {
    const chain = this.#current.chain(event);
    const its = this.#older.size === 0 || operation == null
      ? chain
      : this.#asBegun(event, chain, operation);
    if (except === undefined && only === undefined) return its;
    return its.filter(({ plugin, registration }) =>
      !(except ?? []).includes(plugin) &&
      (only === undefined || registration.id === only)
    );
  }

  /** The chain with the versions that an operation began with, as far as they are there. */
  #asBegun(
    event: string,
    chain: readonly Handler[],
    operation: string,
  ): readonly Handler[] {
    const frozen = this.#parts.frozen?.(operation) ?? {};
    const older: Handler[] = [];
    for (const [plugin, hash] of Object.entries(frozen)) {
      if (hasVersion(this.#current, plugin, hash)) continue;
      const set = [...this.#older].findLast((one) =>
        hasVersion(one, plugin, hash)
      );
      if (set === undefined) continue;
      older.push(
        ...set.chain(event).filter((handler) => handler.plugin === plugin),
      );
    }
    if (older.length === 0) return chain;
    const replaced = new Set(older.map(({ plugin }) => plugin));
    return [...chain.filter(({ plugin }) => !replaced.has(plugin)), ...older]
      .sort(Handler.compare);
  }

  #sweep(): void {
    if (this.#older.size === 0) return;
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
        needed.has(hash) && !hasVersion(this.#current, name, hash)
      );
      if (set.running === 0 && !isNeeded) this.#older.delete(set);
    }
    return this.#older.size < before;
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

function hasVersion(
  { plugins }: ChainSet,
  plugin: string,
  hash: string,
): boolean {
  return plugins.some(({ name, snapshot }) =>
    name === plugin && snapshot.hash === hash
  );
}
