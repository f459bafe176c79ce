/**
 * One simulated node: a machine with power, a hypervisor that outlives the
 * LNM, and the real LNM on a simulated driver and link.
 *
 * @module
 */
import { createSimDriver, type SimDriver } from "../driver/sim/mod.ts";
import { crashed, isUp } from "../driver/sim/domain.ts";
import { SimHypervisor } from "../driver/sim/hypervisor.ts";
import type { SimNodeOptions } from "../driver/sim/faults.ts";
import { messageOf, UsherError } from "../error/mod.ts";
import { DriverSet } from "../lnm/driver_set.ts";
import { runNode } from "../lnm/node.ts";
import type { Uplink } from "../lnm/uplink.ts";
import type { Capacity } from "../schema/node.ts";
import type { Log } from "../sys/log.ts";
import type { Network, Server } from "./network.ts";
import type { Random } from "./random.ts";
import { Route } from "./route.ts";
import { Process, type VirtualClock } from "./virtual_clock.ts";

/** How often a node reads what its VMs use; rarely, since nothing depends on it. */
const USAGE_MS = 300_000;

const NO_COUNTERS = {
  cpuSeconds: null,
  memoryMiB: null,
  diskReadBytes: null,
  diskWriteBytes: null,
  netRxBytes: null,
  netTxBytes: null,
};

/** What a machine is made with. */
export interface MachineParts {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly network: Network;
  readonly capacity: Capacity;
  /** How far its idea of the date is off. */
  readonly skewMs: number;
  readonly log: Log;
  /** What it was let in with. */
  readonly secret: () => string;
  readonly controller: () => Server | null;
  /** Told of its hypervisor after each boot, before anything runs on it. */
  readonly onBoot: (hypervisor: SimHypervisor) => void;
}

/** What makes its driver misbehave, for as long as it is set. */
export type Knobs = Partial<
  Pick<SimNodeOptions, "listError" | "verbDelayMs" | "probeUnhealthy">
>;

interface Lnm {
  readonly process: Process;
  readonly abort: AbortController;
  driver: SimDriver | null;
}

/** A node, over all its boots. */
export class Machine {
  readonly name: string;
  readonly route: Route;
  readonly capacity: Capacity;
  readonly #parts: MachineParts;
  #boots = 0;
  #kernel: Process;
  #hypervisor: SimHypervisor | null = null;
  #lnm: Lnm | null = null;
  #lives = 0;
  #knobs: Knobs = {};

  constructor(parts: MachineParts) {
    this.name = parts.name;
    this.capacity = parts.capacity;
    this.#parts = parts;
    this.#kernel = new Process(parts.clock, parts.skewMs);
    this.route = new Route(parts.random.fork("route"));
  }

  /** Its domains; null while it has no power. */
  get hypervisor(): SimHypervisor | null {
    return this.#hypervisor;
  }

  /** Whether it is on. */
  get hasPower(): boolean {
    return !this.#kernel.isDead && this.#hypervisor !== null;
  }

  /** Turns it on; domains that an earlier boot left are there, without power. */
  async boot(): Promise<void> {
    const before = this.#hypervisor?.all() ?? [];
    const { clock, skewMs, onBoot } = this.#parts;
    this.#boots++;
    this.#kernel = new Process(clock, skewMs);
    const hypervisor = await SimHypervisor.open({ clock: this.#kernel });
    for (const domain of before) {
      hypervisor.put(
        isUp(domain) ? crashed(domain, "its node lost power") : domain,
      );
    }
    this.#hypervisor = hypervisor;
    onBoot(hypervisor);
    this.startLnm();
  }

  /** Cuts its power; with `forgets`, nothing of its domains is left on its disk. */
  losePower(forgets: boolean): void {
    const lnm = this.#takeLnm();
    if (lnm !== null) this.#parts.network.vanished(lnm.process);
    this.#kernel.kill();
    if (forgets) this.#hypervisor = null;
  }

  /** Starts its LNM, unless one runs. */
  startLnm(): void {
    if (this.#lnm !== null || this.#hypervisor === null) return;
    if (!this.hasPower) return;
    const { clock, skewMs, log } = this.#parts;
    const lnm: Lnm = {
      process: new Process(clock, skewMs),
      abort: new AbortController(),
      driver: null,
    };
    this.#lnm = lnm;
    this.#run(lnm, this.#hypervisor).catch((error) => {
      if (lnm.process.isDead) return;
      log.error("the LNM has ended", { error: messageOf(error) });
    }).finally(() => {
      if (this.#lnm === lnm) this.killLnm();
    });
  }

  /** Kills its LNM; domains live on. */
  killLnm(): void {
    const lnm = this.#takeLnm();
    if (lnm !== null) this.#parts.network.killed(lnm.process);
  }

  /** Ends its LNM as SIGTERM does. */
  stopLnm(): void {
    this.#lnm?.abort.abort("asked to end");
  }

  /** Stops its LNM for `ms`, as SIGSTOP does. */
  freezeLnm(ms: number): void {
    this.#lnm?.process.stop(ms);
  }

  /** Makes its driver misbehave; {} makes it well. */
  turn(knobs: Knobs): void {
    this.#knobs = knobs;
    if (this.#lnm?.driver != null) this.#obey(this.#lnm.driver);
  }

  #obey(driver: SimDriver): void {
    const { faults } = driver;
    faults.verbDelayMs = this.#knobs.verbDelayMs ?? 0;
    faults.listError = this.#knobs.listError;
    faults.probeUnhealthy = this.#knobs.probeUnhealthy;
  }

  #takeLnm(): Lnm | null {
    const lnm = this.#lnm;
    if (lnm === null) return null;
    this.#lnm = null;
    lnm.process.kill();
    // What waits in it must not act any more.
    void lnm.driver?.[Symbol.asyncDispose]();
    return lnm;
  }

  async #run(lnm: Lnm, hypervisor: SimHypervisor): Promise<void> {
    const { random, log, capacity, secret } = this.#parts;
    const { process, abort } = lnm;
    const { name } = this;
    const its = random.fork(`lnm ${++this.#lives}`);
    const driver = await createSimDriver(
      { stateDir: "", log: () => {} },
      { hypervisor },
    );
    lnm.driver = driver;
    this.#obey(driver);
    const drivers = new DriverSet(
      new Map([["sim", driver]]),
      [],
      process,
      log,
    );
    await drivers.probe(abort.signal);
    await runNode({
      identity: { name, secret: secret() },
      uplink: this.#uplink(process),
      drivers,
      clock: process,
      log,
      version: "sim",
      random: () => its.next(),
      capacity,
      labels: {},
      bootId: `${name} boot ${this.#boots}`,
      usageMs: USAGE_MS,
      machineCounters: () => Promise.resolve(NO_COUNTERS),
      onReady: () => {},
    }, abort.signal);
  }

  #uplink(client: Process): Uplink {
    const { network, controller: server } = this.#parts;
    const { route } = this;
    return {
      url: "https://ctrl",
      session: async (body, signal) => {
        try {
          const dialling = { route, client, server, body, signal };
          return (await network.connect(dialling)).body!;
        } catch (error) {
          throw new UsherError(
            "unavailable",
            `Cannot reach the controller: ${messageOf(error)}`,
          );
        }
      },
      console: () => Promise.reject(new Error("Nobody looks at a console")),
    };
  }
}
