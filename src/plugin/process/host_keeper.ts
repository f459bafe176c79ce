/**
 * One process for the workers of one plugin, or of several that may share:
 * started when the first of them needs it, and anew when it has ended.
 *
 * @module
 */
import type { PluginLimits } from "../../schema/plugin.ts";
import type { HostGroups } from "./host_groups.ts";
import type { HostPool } from "./host_pool.ts";
import type { WatchedProcess } from "./limits.ts";
import type { HostOwner } from "./host_join.ts";
import { HostProcess } from "./host_process.ts";
import type { LineLevel } from "../handler_context.ts";
import type { Clock } from "../../sys/clock.ts";
import { environment } from "../../sys/environment.ts";
import { ownEnvironment, ownProgram } from "../../sys/machine.ts";

/** Whose process it is. */
export interface Tenant {
  readonly plugin: string;
  readonly limits: PluginLimits;
  /** Variables of the controller's environment that it may see. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a process is started with. */
export interface KeeperPorts {
  readonly clock: Clock;
  /** This very program when absent. */
  readonly program?: readonly [string, ...string[]];
  /** Where the kernel holds processes to their limits; they are looked at all the same. */
  readonly groups?: HostGroups | undefined;
}

/** Where a process may come from, and go to. */
export interface Reuse {
  readonly pool: HostPool;
  /** What may have been in it: a snapshot's hash, or `SHARED`. */
  readonly key: string;
}

/** Where what a process writes goes. */
export type HostLine = (plugin: string, level: LineLevel, text: string) => void;

/** How long a process may take to start, however little its plugins may. */
const PROCESS_START_MS = 10_000;

/** What plugins that share a process are called where nobody knows which it was. */
export const SHARED = "shipped";

/** Keeps a process for its tenants. */
export class HostKeeper {
  readonly #ports: KeeperPorts;
  readonly #onLine: HostLine;
  readonly #reuse: Reuse | undefined;
  readonly #tenants = new Set<Tenant>();
  #host: HostProcess | null = null;
  #starting: Promise<HostProcess> | null = null;

  constructor(ports: KeeperPorts, onLine: HostLine, reuse?: Reuse) {
    this.#ports = ports;
    this.#onLine = onLine;
    this.#reuse = reuse;
  }

  /** Its process, while there is one. */
  get host(): HostProcess | null {
    return this.#host?.isOver === false ? this.#host : null;
  }

  get tenants(): readonly Tenant[] {
    return [...this.#tenants];
  }

  /** Its process as it is watched, while there is one; `calls`: what it has to do. */
  watched(calls: number, isStarting: boolean): readonly WatchedProcess[] {
    const { host, tenants } = this;
    if (host === null) return [];
    return [{
      plugins: tenants.map(({ plugin }) => plugin),
      id: host.id,
      limits: tenants.map(({ limits }) => limits),
      calls,
      isStarting,
      kill: (why) => host.kill(why),
      lower: () => host.yieldToOthers(true),
      raise: () => host.yieldToOthers(false),
    }];
  }

  /** The process, started when there is none. Throws `unavailable` when it does not start. */
  get(): Promise<HostProcess> {
    if (this.host !== null) return Promise.resolve(this.host);
    return this.#starting ??= this.#start().finally(() =>
      this.#starting = null
    );
  }

  async #start(): Promise<HostProcess> {
    const tenants = this.tenants;
    const owner: HostOwner = {
      maxBytes: () => mostBytes(this.tenants),
      limits: () => this.tenants.map(({ limits }) => limits),
      onLine: (stream, line) =>
        this.#onLine(this.#name, stream === "stdout" ? "info" : "warn", line),
    };
    const spare = this.#reuse?.pool.take(this.#reuse.key) ?? null;
    if (spare !== null) {
      spare.belongTo(owner);
      return this.#host = spare;
    }
    const host = await HostProcess.start({
      clock: this.#ports.clock,
      program: this.#ports.program ?? ownProgram(),
      env: Object.assign({}, ...tenants.map(({ env }) => env)),
      startMs: Math.max(
        PROCESS_START_MS,
        ...tenants.map(({ limits }) => limits.start),
      ),
      owner,
      groups: this.#ports.groups,
    });
    // All may have left meanwhile.
    if (this.#tenants.size === 0) host.kill("nobody needs it");
    return this.#host = host;
  }

  get #name(): string {
    const [first, ...more] = this.#tenants;
    return first === undefined || more.length > 0 ? SHARED : first.plugin;
  }

  /** Takes one more in. A process that was started before has the environment of those of then. */
  enter(tenant: Tenant): void {
    this.#tenants.add(tenant);
    this.host?.limit();
  }

  /** Lets one go. The last one ends the process, or leaves it `wellBehind` for who comes next. */
  async leave(tenant: Tenant, wellBehind = false): Promise<void> {
    this.#tenants.delete(tenant);
    const { host } = this;
    if (this.#tenants.size > 0) return host?.limit();
    if (host === null) {
      // Killed before, and perhaps not gone yet.
      await this.#host?.ended;
      return;
    }
    if (wellBehind && this.#reuse !== undefined) {
      this.#host = null;
      this.#reuse.pool.keep(this.#reuse.key, host, this.#ports.clock);
      return;
    }
    host.kill("nobody needs it");
    await host.ended;
  }
}

function mostBytes(tenants: readonly Tenant[]): number {
  return Math.max(0, ...tenants.map(({ limits }) => limits.message)) * 2 ** 20;
}

/** The environment of a process whose plugins may see these variables of the controller's. */
export function hostEnvironment(
  names: readonly string[],
): Record<string, string> {
  const own = Object.fromEntries(
    names.map((name) => [name, environment(name) ?? ""]),
  );
  // Below a file nothing can be made: the Cache API writes where TMPDIR says,
  // and needs no permission for it.
  return { ...ownEnvironment(), TMPDIR: "/dev/null", ...own };
}
