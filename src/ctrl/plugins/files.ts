/**
 * Sets of plugins from the configuration and from files, as a controller has
 * them.
 *
 * Everything is read anew each time. One that is turned off is read as well,
 * so that what it declares stays known, but after the others and not for long,
 * and what is wrong with it is only told: turning a broken plugin off must help.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { HostGroups } from "../../plugin/process/host_groups.ts";
import type { HostPool } from "../../plugin/process/host_pool.ts";
import { findPlugins, type PluginPlace } from "../../plugin/files/find.ts";
import { type Locate, mistakeError } from "../../plugin/files/mistake.ts";
import {
  forgetVersions,
  noteVersion,
  recallVersion,
} from "../../plugin/files/version.ts";
import { PluginReader, type PluginReading } from "../../plugin/files/read.ts";
import { Readings } from "../../plugin/files/readings.ts";
import {
  optionsOf,
  type ReadPlugin,
  registerAll,
} from "../../plugin/files/registrations.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import { SnapshotStore } from "../../plugin/files/snapshot_store.ts";
import type { PluginConfig } from "../../schema/plugin.ts";
import { optionMistakes } from "./options.ts";
import { locatedIn, placeAt, placeOf } from "./places.ts";
import {
  isEnabled,
  type KnownPlugin,
  type PluginSet,
  type PluginSource,
  type ReadConfig,
  type ReadingPorts,
  type Switches,
} from "./set.ts";
import { warningsOf } from "./warnings.ts";

/** What reading sets needs. */
export interface PluginFilesParts {
  readonly readConfig: () => Promise<ReadConfig>;
  /** The folder of the plugins that ship. */
  readonly shipped: string;
  /** The folder of snapshots. */
  readonly store: string;
  /** Where processes go in which plugins were read, to run there. */
  readonly pool?: HostPool;
  /** What names this very program; readings are not kept on disk without. */
  readonly usher?: string | null;
  /** Where the kernel holds processes to their limits. */
  readonly groups?: HostGroups | undefined;
}

/**
 * So long one that is turned off may take to load, whatever its limit is. What
 * it is is worth knowing, and no start waits long for one that hangs.
 */
const OFF_START_MS = 3000;

/** One plugin of the configuration, read or not. */
interface Entry {
  readonly name: string;
  readonly config: PluginConfig;
  readonly enabled: boolean;
  /** Null when it could not be read, which `problem` tells. */
  readonly read: {
    readonly plugin: ReadPlugin;
    readonly reading: PluginReading;
  } | null;
  readonly place: PluginPlace | null;
  readonly problem: string;
}

/** What a set is read with. */
interface Site {
  readonly places: ReadonlyMap<string, PluginPlace>;
  readonly switches: Switches;
  readonly locate: Locate;
  readonly ports: ReadingPorts;
}

/** Reads sets from files. */
export class PluginFiles implements PluginSource {
  readonly #parts: PluginFilesParts;
  readonly #readings: Readings;
  readonly #store: SnapshotStore;
  /** Registrations are numbered anew in each set, and no number comes twice. */
  #ids = 0;

  constructor(parts: PluginFilesParts) {
    this.#parts = parts;
    this.#readings = new Readings(parts.usher);
    this.#store = new SnapshotStore(parts.store);
  }

  async read(
    switches: Switches,
    ports: ReadingPorts,
    given?: ReadConfig,
  ): Promise<PluginSet> {
    const { config, locate } = given ?? await this.#parts.readConfig();
    await this.#store.tidy(ports.needed());
    const dirs = config.plugin_dirs;
    const places = await findPlugins({ shipped: this.#parts.shipped, dirs })
      .catch((error) => {
        throw locatedIn(dirs, error, locate);
      });
    const entries = await this.#readAll(
      Object.entries(config.plugins),
      { places, switches, locate, ports },
    );
    const problems = new Map<string, string>();
    const plugins = registerAll(
      entries.flatMap((one) => one.enabled ? one.read?.plugin ?? [] : []),
      {
        locate,
        now: ports.clock.now(),
        nextId: () => ++this.#ids,
        isKnownTimer: (plugin, when) => ports.isKnownTimer(plugin, when),
        brokenOff: (name, { message }) => void problems.set(name, message),
      },
      entries.flatMap((one) => one.enabled ? [] : one.read?.plugin ?? []),
    );
    const told = entries.map((entry) => ({
      ...entry,
      problem: problems.get(entry.name) ?? entry.problem,
    }));
    return {
      plugins,
      known: knownOf(told, places),
      warnings: entries.flatMap(({ read, enabled }) =>
        read === null || !enabled ? [] : warningsOf(read.plugin, locate)
      ),
    };
  }

  async note(plugins: readonly LoadedPlugin[]): Promise<void> {
    const { store } = this.#parts;
    await Promise.all(plugins.map((plugin) => noteVersion(store, plugin)));
    await forgetVersions(store);
  }

  recall(plugin: string, hash: string): Promise<LoadedPlugin | null> {
    const { store } = this.#parts;
    return recallVersion(store, plugin, hash, () => ++this.#ids);
  }

  async readShadow(
    live: LoadedPlugin,
    path: string,
    ports: ReadingPorts,
  ): Promise<LoadedPlugin> {
    const { locate } = await this.#parts.readConfig();
    const { name, config } = live;
    await using reader = this.#reader(ports);
    const place = await placeAt(["plugins", name, "shadow"], path, locate);
    const { plugin, reading } = await this.#readOne(
      name,
      config,
      { ...place, name },
      reader,
    );
    checkOptions(name, config, reading, locate);
    return {
      ...plugin,
      registrations: live.registrations.map((one) => ({ ...one })),
    };
  }

  #reader(ports: ReadingPorts): PluginReader {
    const { pool, groups } = this.#parts;
    return new PluginReader({ ...ports, groups }, pool);
  }

  /** All that are turned on, and then those that are not. */
  async #readAll(
    configured: readonly (readonly [name: string, config: PluginConfig])[],
    site: Site,
  ): Promise<Entry[]> {
    await using reader = this.#reader(site.ports);
    const isOn = ([name, config]: (typeof configured)[number]) =>
      isEnabled(name, config, site.switches);
    const on = await Promise.allSettled(
      configured.filter(isOn).map(([name, config]) =>
        this.#readOn(name, config, site, reader)
      ),
    );
    // The first in the order of the file, whichever failed first.
    const entries = on.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
    // Not beside them: one that hangs would take their turn.
    entries.push(
      ...await Promise.all(
        configured.filter((one) => !isOn(one)).map(([name, config]) =>
          this.#readOff(name, config, site, reader)
        ),
      ),
    );
    const order = configured.map(([name]) => name);
    return entries.toSorted((a, b) =>
      order.indexOf(a.name) - order.indexOf(b.name)
    );
  }

  async #readOn(
    name: string,
    config: PluginConfig,
    site: Site,
    reader: PluginReader,
  ): Promise<Entry> {
    using _waits = site.ports.waits?.(name);
    const place = await placeOf(name, config, site);
    const read = await this.#readOne(name, config, place, reader);
    checkOptions(name, config, read.reading, site.locate);
    return { name, config, enabled: true, place, read, problem: "" };
  }

  /** Whatever is wrong with it is told of it, and troubles nobody else. */
  async #readOff(
    name: string,
    config: PluginConfig,
    site: Site,
    reader: PluginReader,
  ): Promise<Entry> {
    const entry = { name, config, enabled: false };
    const { limits } = config;
    const start = Math.min(limits.start, OFF_START_MS);
    const hurried = { ...config, limits: { ...limits, start } };
    let place: PluginPlace | null = null;
    using _waits = site.ports.waits?.(name);
    try {
      place = await placeOf(name, config, site);
      const { plugin, reading } = await this.#readOne(
        name,
        hurried,
        place,
        reader,
      );
      checkOptions(name, config, reading, site.locate);
      const read = { plugin: { ...plugin, config }, reading };
      return { ...entry, place, read, problem: "" };
    } catch (error) {
      return { ...entry, place, read: null, problem: messageOf(error) };
    }
  }

  async #readOne(
    name: string,
    config: PluginConfig,
    place: PluginPlace,
    reader: PluginReader,
  ) {
    const snapshot = await this.#store.take(place);
    const reading = await this.#readings.read(
      {
        name,
        snapshot,
        limits: config.limits,
        registrations: config.events.map((given) => ({
          event: given.event,
          order: given.order ?? null,
          options: optionsOf(config, given),
        })),
      },
      reader,
    );
    const { manifest, handles } = reading;
    return {
      plugin: { name, snapshot, manifest, handles, config },
      reading,
    };
  }
}

function checkOptions(
  name: string,
  config: PluginConfig,
  { registrations }: PluginReading,
  locate: Locate,
): void {
  for (const [index, { issues }] of registrations.entries()) {
    const [mistake] = optionMistakes(name, config, index, issues);
    if (mistake !== undefined) throw mistakeError(mistake, locate);
  }
}

function knownOf(
  entries: readonly Entry[],
  places: ReadonlyMap<string, PluginPlace>,
): Map<string, KnownPlugin> {
  const known = new Map<string, KnownPlugin>();
  for (const { name, config, place, read, problem } of entries) {
    known.set(name, {
      name,
      source: place?.source ?? config.path ?? "",
      hash: read?.plugin.snapshot.hash ?? "",
      manifest: read?.plugin.manifest ?? null,
      config,
      optionsSchema: schemaOf(read?.reading),
      problem,
    });
  }
  for (const { name, source } of places.values()) {
    if (known.has(name)) continue;
    known.set(name, {
      name,
      source,
      hash: "",
      manifest: null,
      config: null,
      optionsSchema: null,
      problem: "",
    });
  }
  return known;
}

function schemaOf(
  reading: PluginReading | undefined,
): Record<string, unknown> | null {
  const schema = reading?.schema;
  return typeof schema === "object" && schema !== null
    ? schema as Record<string, unknown>
    : null;
}
