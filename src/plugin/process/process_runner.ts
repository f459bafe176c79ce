/**
 * Runs handlers in processes of their own: one for each plugin, and one for
 * all that ship with usher.
 *
 * A plugin that has not changed goes on as it is when others are taken up.
 * One that is used no more ends once the calls that it has begun have ended: a
 * version that a chain or an operation may call still is used.
 *
 * @module
 */
import { failedBy, plainText } from "../failure.ts";
import {
  hostEnvironment,
  HostKeeper,
  type HostLine,
  SHARED,
  type Tenant,
} from "./host_keeper.ts";
import { HostPool } from "./host_pool.ts";
import {
  effective,
  visibleVariables,
  workerPermissions,
} from "../files/permission.ts";
import { LimitWatch, type WatchedProcess } from "./limits.ts";
import { PluginWorker } from "./plugin_worker.ts";
import type { WorkerSpec } from "./protocol.ts";
import { entryUrl } from "../files/read.ts";
import { RateGate } from "./rate_gate.ts";
import type {
  HandlerCall,
  HandlerResult,
  HandlerRunner,
  LoadedPlugin,
  Registration,
  RunnerPorts,
  RunnerStatus,
} from "../runner.ts";
import { BUILT_IN } from "../runner.ts";
import { StartTurns } from "./start_turns.ts";
import { environmentNames } from "../../sys/environment.ts";

/** How often it is looked whether the last call of a former self has ended. */
const LAST_CALL_MS = 100;
/** So many plugins are started at the same time. */
const STARTS_AT_ONCE = 4;
/** Lines that a process may write in a second. */
const HOST_LINES = 200;

/** One version of a plugin that is used, or was until lately. */
interface Used {
  /** Its name, and what makes it another than before. */
  readonly key: string;
  readonly worker: PluginWorker;
  readonly keeper: HostKeeper;
  readonly tenant: Tenant;
  plugin: LoadedPlugin;
}

/** Runs handlers in processes. */
export class ProcessRunner implements HandlerRunner {
  readonly #ports: RunnerPorts;
  readonly #pool: HostPool;
  readonly #shared: HostKeeper;
  /** By their keys: an older version may be used beside the newest, which comes first. */
  readonly #used = new Map<string, Used>();
  readonly #former = new Set<Used>();
  /** Also of former selves, for as long as somebody holds the registration. */
  readonly #byRegistration = new WeakMap<
    Registration,
    readonly [used: Used, index: number]
  >();
  readonly #turns = new StartTurns(STARTS_AT_ONCE);
  readonly #over = new AbortController();
  readonly #limits: LimitWatch;

  /** `pool`: where processes come from in which plugins were read. It is the runner's from then on. */
  constructor(ports: RunnerPorts, pool: HostPool = new HostPool()) {
    this.#ports = ports;
    this.#pool = pool;
    this.#limits = new LimitWatch(ports.clock, () => this.processes());
    this.#shared = this.#newKeeper(SHARED);
  }

  /** `key`: of the process that will do; null for one that must be new. */
  #newKeeper(key: string | null): HostKeeper {
    const { clock, heard } = this.#ports;
    const gate = new RateGate(clock, HOST_LINES);
    const say: HostLine = (plugin, level, text) => {
      if (!gate.passes()) return;
      const line = plainText(text, 2000);
      heard({ plugin, level, event: null, text: line, fields: {} });
    };
    const reuse = key === null ? undefined : { pool: this.#pool, key };
    return new HostKeeper(this.#ports, say, reuse);
  }

  async use(plugins: readonly LoadedPlugin[]): Promise<void> {
    const before = new Map(this.#used);
    this.#used.clear();
    for (const plugin of plugins) {
      const key = keyOf(plugin);
      const used = this.#used.get(key) ?? this.#takeOver(plugin, key, before);
      this.#used.set(key, used);
      for (const [index, one] of plugin.registrations.entries()) {
        this.#byRegistration.set(one, [used, index]);
      }
    }
    for (const used of before.values()) void this.#letGo(used);
    if (plugins.length > 0) this.#limits.wake();
    await Promise.all(
      [...this.#used.values()].map(({ worker }) => worker.started),
    );
  }

  /** One that runs and has not changed, taken from `before`; else a new one. */
  #takeOver(
    plugin: LoadedPlugin,
    key: string,
    before: Map<string, Used>,
  ): Used {
    const same = before.get(key);
    if (same === undefined || same.worker.status.state === "failed") {
      return this.#takeUp(plugin, key);
    }
    before.delete(key);
    same.plugin = plugin;
    return same;
  }

  #takeUp(plugin: LoadedPlugin, key: string): Used {
    const { snapshot, config } = plugin;
    const has = effective(plugin.manifest, config.grants);
    const tenant: Tenant = {
      plugin: plugin.name,
      limits: config.limits,
      env: hostEnvironment(visibleVariables(has, environmentNames())),
    };
    // What the environment holds may be a password: nobody is to share it.
    const isBare = has.permissions.env === undefined;
    const keeper = snapshot.source === BUILT_IN && isBare
      ? this.#shared
      : this.#newKeeper(isBare ? snapshot.hash : null);
    const spec = (): WorkerSpec => ({
      entry: entryUrl(snapshot),
      permissions: workerPermissions(has, snapshot.folder),
      kinds: Object.keys(has.permissions) as WorkerSpec["kinds"],
      site: this.#ports.site(),
      registrations: plugin.registrations.map(({ event, order, options }) => ({
        event,
        order,
        options,
      })),
      isRead: false,
      maxBytes: config.limits.message * 2 ** 20,
      rate: config.limits.rate,
    });
    const worker = new PluginWorker({
      ports: this.#ports,
      keeper,
      tenant,
      turns: this.#turns,
      spec,
    });
    return { key, worker, keeper, tenant, plugin };
  }

  /** Ends a former self once its last call has ended. */
  async #letGo(used: Used): Promise<void> {
    this.#former.add(used);
    const { clock } = this.#ports;
    try {
      while (used.worker.calls > 0) {
        await clock.sleep(LAST_CALL_MS, this.#over.signal);
      }
    } catch {
      // The runner ends.
    }
    await used.worker.end();
    this.#former.delete(used);
  }

  call(call: HandlerCall): Promise<HandlerResult> {
    const { registration } = call;
    const found = this.#find(registration);
    if (found === null) {
      return Promise.reject(
        failedBy(registration.plugin, call.event, "it is not loaded"),
      );
    }
    const [used, index] = found;
    this.#limits.wake();
    return used.worker.call(call, index);
  }

  /** Its own self, if that is still there; otherwise what the plugin is now, at the same event. */
  #find(registration: Registration): readonly [Used, number] | null {
    const own = this.#byRegistration.get(registration);
    if (own !== undefined && this.#isThere(own[0])) return own;
    const used = this.#newest(registration.plugin);
    if (used === undefined) return null;
    const { registrations } = used.plugin;
    const index = registrations.findIndex(({ id, event }) =>
      id === registration.id && event === registration.event
    );
    if (index >= 0) return [used, index];
    const like = registrations.findIndex(({ event }) =>
      event === registration.event
    );
    return like < 0 ? null : [used, like];
  }

  #isThere(used: Used): boolean {
    return this.#former.has(used) || this.#used.get(used.key) === used;
  }

  #newest(name: string): Used | undefined {
    return [...this.#used.values()].find(({ plugin }) => plugin.name === name);
  }

  status(plugin: string): RunnerStatus | null {
    const used = this.#newest(plugin);
    if (used === undefined) return null;
    const { host } = used.keeper;
    return {
      ...used.worker.status,
      memoryMiB: host === null ? null : this.#limits.memoryMiB(host.id),
      heldByKernel: host?.heldTo ?? [],
    };
  }

  /** The processes of this moment. */
  processes(): readonly WatchedProcess[] {
    const all = [...this.#used.values(), ...this.#former];
    const keepers = new Set(all.map(({ keeper }) => keeper));
    return [...keepers].flatMap((keeper) => {
      const workers = all.filter((used) => used.keeper === keeper)
        .map(({ worker }) => worker);
      return keeper.watched(
        workers.reduce((sum, { load }) => sum + load, 0),
        workers.some(({ status }) => status.state === "starting"),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new DOMException("Usher ends", "AbortError"));
    this.#limits[Symbol.dispose]();
    const all = [...this.#used.values(), ...this.#former];
    this.#used.clear();
    await Promise.all(all.map(({ worker }) => worker.end()));
    await this.#pool[Symbol.asyncDispose]();
  }
}

/** What makes a plugin another than before. */
function keyOf(
  { name, snapshot, manifest, config, registrations }: LoadedPlugin,
) {
  return JSON.stringify([
    name,
    snapshot.hash,
    snapshot.source === BUILT_IN,
    manifest,
    config.grants,
    config.limits,
    registrations.map(({ event, order, options }) => [event, order, options]),
  ]);
}
