/**
 * The drivers of this node: made once, probed, and asked as one.
 *
 * A driver that cannot work is reported as such and is no failure: most nodes
 * lack most hypervisors.
 *
 * @module
 */
import { isAbort, messageOf, UsherError } from "../error/mod.ts";
import type {
  DomainReport,
  Driver,
  DriverContext,
  Peers,
} from "../driver/driver.ts";
import { createDriver } from "../driver/registry.ts";
import type { LnmConfig } from "../schema/config.ts";
import type { DomainFrame } from "../schema/frame.ts";
import type { Capacity, DriverReport } from "../schema/node.ts";
import { type Clock, Deadline } from "../sys/clock.ts";
import type { Counters } from "../sys/counters.ts";
import { makeFolder } from "../sys/file.ts";
import type { Log } from "../sys/log.ts";
import { Adopter, wantedOf } from "./adopter.ts";

const PROBE_MS = 15_000;
const LIST_MS = 30_000;

/** What a node's drivers are made with, beside its configuration. */
export interface NodeParts {
  readonly name: string;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  /** Uids of domains that are adopted. */
  readonly newId: () => string;
}

/** What a node runs, as far as its drivers can tell. */
export interface Listing {
  readonly domains: DomainFrame[];
  /** Drivers that could not be asked: of their domains nothing is known. */
  readonly unlisted: readonly string[];
}

/** The drivers of a node. */
export class DriverSet implements AsyncDisposable {
  readonly #drivers: ReadonlyMap<string, Driver>;
  readonly #failed: readonly DriverReport[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #adopter: Adopter | null;
  #reports: DriverReport[] = [];
  #doubted = Promise.withResolvers<void>();
  #machine: Capacity | null = null;
  /** What each driver has told last of the machine that its guests get. */
  readonly #machines = new Map<Driver, Capacity>();
  #unlisted: readonly string[] = [];

  /**
   * The `drivers` of a node, by name; `failed` are those that could not be
   * made, and `adopter` takes over what others made; without, nobody does.
   */
  constructor(
    drivers: ReadonlyMap<string, Driver>,
    failed: readonly DriverReport[],
    clock: Clock,
    log: Log,
    adopter: Adopter | null = null,
  ) {
    this.#adopter = adopter;
    this.#drivers = drivers;
    this.#failed = failed;
    this.#clock = clock;
    this.#log = log;
  }

  /** Makes the drivers that the configuration enables. */
  static async open(
    config: LnmConfig,
    node: NodeParts,
  ): Promise<DriverSet> {
    const { clock, log, newId } = node;
    const drivers = new Map<string, Driver>();
    const failed: DriverReport[] = [];
    for (
      const [name, { enabled, ...options }] of Object.entries(config.drivers)
    ) {
      if (!enabled) continue;
      try {
        drivers.set(
          name,
          await createDriver(
            name,
            await contextFor(name, config, node),
            options,
          ),
        );
      } catch (error) {
        log.error("a driver could not be made", {
          driver: name,
          error: messageOf(error),
        });
        failed.push(
          reportOf({ name }, { health: "unhealthy", reason: messageOf(error) }),
        );
      }
    }
    const adopter = new Adopter(wantedOf(config), newId, log);
    return new DriverSet(drivers, failed, clock, log, adopter);
  }

  /** What the drivers can do; as of the last probe. */
  get reports(): DriverReport[] {
    return this.#reports;
  }

  /**
   * What guests get, where a driver tells that it is another machine than the
   * system here sees: the largest of what was told last. Another object when it
   * has changed.
   */
  get machine(): Capacity | null {
    return this.#machine;
  }

  /**
   * What drivers count of the machine that guests get. Throws what one throws
   * that has told of it before: to count otherwise meanwhile would be to leap.
   */
  async machineCounters(signal: AbortSignal): Promise<Partial<Counters>> {
    let counters: Partial<Counters> = {};
    for (const driver of this.#machines.keys()) {
      counters = { ...counters, ...await driver.machineCounters?.(signal) };
    }
    return counters;
  }

  /** A driver did not reach its hypervisor: what it said of that last may not hold. */
  doubt(): void {
    this.#doubted.resolve();
  }

  /** Resolves when one is in doubt that was not when it was looked at last. */
  get doubted(): Promise<void> {
    return this.#doubted.promise;
  }

  /** Looks at the machine again; answers whether any report changed. */
  async probe(signal: AbortSignal): Promise<boolean> {
    this.#doubted = Promise.withResolvers();
    const found = await Promise.all(
      [...this.#drivers.values()].map((driver) =>
        probeOne(driver, this.#clock, signal)
      ),
    );
    for (const { driver, machine } of found) {
      // One that does not answer takes nothing away of what it told before.
      if (machine !== undefined) this.#machines.set(driver, machine);
    }
    this.#machine = largest(this.#machine, [...this.#machines.values()]);
    const all = [...found.map(({ report }) => report), ...this.#failed];
    const changed = JSON.stringify(all) !== JSON.stringify(this.#reports);
    this.#reports = all;
    return changed;
  }

  /** The driver called `name`. Throws `unsupported`. */
  get(name: string): Driver {
    const driver = this.#drivers.get(name);
    if (driver === undefined) {
      throw new UsherError("unsupported", `This node has no driver "${name}"`);
    }
    return driver;
  }

  all(): Iterable<Driver> {
    return this.#drivers.values();
  }

  /** Whether every driver works, as of the last probe. */
  get isHealthy(): boolean {
    return this.#reports.every(({ health }) => health === "healthy");
  }

  /**
   * Every domain of every driver that can tell. One that cannot is named, since
   * its silence would read as the end of all that it runs.
   */
  async list(signal: AbortSignal): Promise<Listing> {
    const domains: DomainFrame[] = [];
    const unlisted = this.#failed.map(({ name }) => name);
    for (const driver of this.#drivers.values()) {
      try {
        domains.push(...await this.#listOne(driver, signal));
      } catch (error) {
        signal.throwIfAborted();
        unlisted.push(driver.name);
        this.#log.warn("a driver cannot tell what it runs", {
          driver: driver.name,
          error: messageOf(error),
        });
      }
    }
    this.#unlisted = unlisted;
    return { domains, unlisted };
  }

  /** Whether a driver that could not tell, at the last list, can now. */
  async canTellMore(signal: AbortSignal): Promise<boolean> {
    for (const name of this.#unlisted) {
      const driver = this.#drivers.get(name);
      if (driver === undefined) continue;
      const told = await this.#listOne(driver, signal).catch(() => null);
      if (told !== null) return true;
    }
    return false;
  }

  async #listOne(driver: Driver, signal: AbortSignal): Promise<DomainFrame[]> {
    using deadline = new Deadline(
      this.#clock,
      LIST_MS,
      `list of domains from driver "${driver.name}"`,
      signal,
    );
    const reports = await driver.list(deadline.signal);
    return await Promise.all(
      reports.map((report) => this.told(driver, report, deadline.signal)),
    );
  }

  /** A driver's report as the link carries it, of a domain that is adopted first when that is wanted. */
  async told(
    driver: Driver,
    report: DomainReport,
    signal: AbortSignal,
  ): Promise<DomainFrame> {
    const its = await this.#adopter?.adopted(driver, report, signal);
    return frameOf(driver.name, its ?? report);
  }

  /** The domain of a frame, as its driver finds it now. */
  async look(frame: DomainFrame, signal: AbortSignal): Promise<DomainFrame> {
    const { driver, uid, domain } = frame;
    return frameOf(
      driver,
      await this.get(driver).inspect(uid ?? domain, signal),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#drivers.values()) {
      await driver[Symbol.asyncDispose]();
    }
  }
}

async function contextFor(
  name: string,
  config: LnmConfig,
  { name: node, peers, log }: NodeParts,
): Promise<DriverContext> {
  const stateDir = `${config.state_dir}/${name}`;
  const runDir = `${config.run_dir}/${name}`;
  await makeFolder(stateDir);
  await makeFolder(runDir);
  const driverLog = log.with({ driver: name });
  return {
    node,
    stateDir,
    runDir,
    peers,
    log: (level, message, fields) => driverLog[level](message, fields),
  };
}

interface Found {
  readonly driver: Driver;
  readonly report: DriverReport;
  readonly machine?: Capacity | undefined;
}

async function probeOne(
  driver: Driver,
  clock: Clock,
  signal: AbortSignal,
): Promise<Found> {
  using deadline = new Deadline(
    clock,
    PROBE_MS,
    `answer to the probe of driver "${driver.name}"`,
    signal,
  );
  try {
    const probe = await driver.probe(deadline.signal);
    const machine = "machine" in probe ? probe.machine : undefined;
    return { driver, report: reportOf(driver, probe), machine };
  } catch (error) {
    if (signal.aborted && isAbort(error)) throw error;
    const probe = { health: "unhealthy", reason: messageOf(error) } as const;
    return { driver, report: reportOf(driver, probe) };
  }
}

/** The largest of what is told; the same object as `before` where it is no other. */
function largest(
  before: Capacity | null,
  told: readonly Capacity[],
): Capacity | null {
  if (told.length === 0) return before;
  const cpus = Math.max(...told.map((its) => its.cpus));
  const memoryMiB = Math.max(...told.map((its) => its.memoryMiB));
  const isSame = before?.cpus === cpus && before.memoryMiB === memoryMiB;
  return isSame ? before : { cpus, memoryMiB };
}

const ABILITIES = [
  "pausing",
  "console",
  "migration",
  "guarding",
  "adoption",
] as const;

/** The optional abilities that a driver has. */
export function abilitiesOf(driver: Partial<Driver>): string[] {
  return ABILITIES.filter((ability) => driver[ability] !== undefined);
}

function reportOf(
  driver: Pick<Driver, "name"> & Partial<Driver>,
  probe: Awaited<ReturnType<Driver["probe"]>>,
): DriverReport {
  const { name, offers } = driver;
  return {
    name,
    health: probe.health,
    reason: "reason" in probe ? probe.reason : "",
    version: "version" in probe ? probe.version : "",
    attributes: "attributes" in probe ? { ...probe.attributes } : {},
    abilities: abilitiesOf(driver),
    ...(offers === undefined ? {} : { offers }),
  };
}

/** A driver's report as the link carries it. */
export function frameOf(driver: string, report: DomainReport): DomainFrame {
  return { driver, ...report };
}
