/**
 * The driver of simulated domains: the verbs of `driver.ts` over a
 * `SimHypervisor`.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import type {
  DomainCounters,
  DomainPlan,
  DomainReport,
  Driver,
  Pausing,
  Probe,
  StopOptions,
} from "../driver.ts";
import { refuseOlder } from "../generation.ts";
import { NewestReports } from "../newest.ts";
import { givenBack, SimAdoption } from "./adoption.ts";
import { answer, wrongState } from "./answer.ts";
import { SimConsole } from "./console.ts";
import { countersOf } from "./counters.ts";
import {
  absentReport,
  askedToShutDown,
  halted,
  isForeignKey,
  isUp,
  newDomain,
  paused,
  reportOf,
  resumed,
} from "./domain.ts";
import { withSpec } from "./kept_spec.ts";
import type { SimDomain } from "./domain_record.ts";
import type { SimNodeOptions } from "./faults.ts";
import { SimGuarding } from "./guarding.ts";
import type { SimHypervisor } from "./hypervisor.ts";
import { SimMigration } from "./migration.ts";
import { Waits } from "./waits.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

/** One node's sim driver. */
export class SimDriver implements Driver {
  readonly name = "sim";
  readonly offers = {
    boot: [],
    disks: [],
    nics: [],
    moves: ["running", "paused", "off"],
  };
  /** The node's knobs, which tests may turn at any time. */
  readonly faults: SimNodeOptions;
  readonly hypervisor: SimHypervisor;
  readonly console: SimConsole;
  readonly migration: SimMigration;
  readonly guarding: SimGuarding;
  readonly adoption: SimAdoption;
  readonly pausing: Pausing = {
    pause: (uid, signal) => this.#pause(uid, signal),
    resume: (uid, signal) => this.#resume(uid, signal),
  };
  readonly #ownsHypervisor: boolean;
  readonly #waits: Waits;
  readonly #watchers = new Set<NewestReports>();
  /** Domains whose guest somebody waits for to obey, and how many do. */
  readonly #stopping = new Map<string, number>();
  readonly #listening: Disposable;
  #starts = 0;

  constructor(
    hypervisor: SimHypervisor,
    faults: SimNodeOptions,
    ownsHypervisor: boolean,
  ) {
    this.hypervisor = hypervisor;
    this.faults = faults;
    this.#waits = new Waits(hypervisor, faults);
    this.#ownsHypervisor = ownsHypervisor;
    this.console = new SimConsole(hypervisor);
    this.migration = new SimMigration(hypervisor, faults, this.#waits);
    this.guarding = new SimGuarding(hypervisor, faults);
    this.adoption = new SimAdoption(hypervisor, this.#waits);
    for (const foreign of faults.foreign) hypervisor.plant(foreign);
    this.#listening = hypervisor.listen((domain, before) =>
      this.#tell(domain, before)
    );
  }

  /** Whether it was disposed of. */
  get closed(): boolean {
    return this.#waits.life.aborted;
  }

  /** See `Driver.probe`. */
  async probe(signal: AbortSignal): Promise<Probe> {
    const { probeDelayMs, probeUndetected, probeUnhealthy } = this.faults;
    await this.#waits.delay(probeDelayMs, signal);
    if (probeUndetected) {
      return { health: "undetected", reason: "sim.probeUndetected is set" };
    }
    if (probeUnhealthy !== undefined) {
      return { health: "unhealthy", reason: probeUnhealthy };
    }
    return { health: "healthy", version: "1", attributes: { accel: "none" } };
  }

  /** See `Driver.start`. */
  async start(plan: DomainPlan, signal: AbortSignal): Promise<DomainReport> {
    const key = this.hypervisor.keyOf(plan.uid);
    await this.#waits.verb(signal);
    refuseOlder(plan, this.#find(plan.uid)?.handle?.generation);
    if (!this.#isUp(key)) await this.#waits.startSlot(signal);
    // No wait between this look and the write: that is promise 6.
    if (!this.#isUp(key)) this.#create(plan);
    const report = await this.#waits.until(
      key,
      (domain) => this.#started(plan, domain),
      { signal },
    );
    return answer(plan.spec.sim, "start", report!);
  }

  /** See `Driver.stop`. */
  async stop(
    uid: string,
    { graceMs, signal }: StopOptions,
  ): Promise<DomainReport> {
    await this.#waits.verb(signal);
    const domain = this.#find(uid);
    if (domain === null) return absentReport(uid, this.hypervisor.keyOf(uid));
    if (isUp(domain)) {
      if (graceMs > 0) await this.#shutDown(domain, graceMs, signal);
      else this.#cutPower(domain);
    }
    return answer(domain.knobs, "stop", this.#reportOf(uid));
  }

  /** See `Driver.forget`. */
  async forget(uid: string, signal: AbortSignal): Promise<void> {
    await this.#waits.verb(signal);
    const domain = this.#find(uid);
    if (domain === null) return;
    if (isUp(domain)) throw wrongState("forget", domain);
    if (isForeignKey(domain.domain)) this.#put(givenBack(domain));
    else this.hypervisor.remove(domain.domain);
    answer(domain.knobs, "forget", null);
  }

  /** See `Driver.inspect`. */
  async inspect(uid: string, signal: AbortSignal): Promise<DomainReport> {
    await this.#waits.look(signal);
    // A foreign domain is looked at by the name that the driver has for it.
    const foreign = this.hypervisor.get(uid);
    if (foreign !== null) return this.#report(foreign);
    return withSpec(this.#reportOf(uid), this.#find(uid));
  }

  /** See `Driver.list`. */
  async list(signal: AbortSignal): Promise<readonly DomainReport[]> {
    await this.#waits.look(signal);
    return this.hypervisor.all().map((domain) => this.#report(domain));
  }

  /** See `Driver.watch`. What happens after the call is seen, whenever reading begins. */
  watch(signal: AbortSignal): AsyncIterable<DomainReport> {
    const until = new JoinedSignal(signal, this.#waits.life);
    const reports = new NewestReports(until.signal, (its) => {
      until[Symbol.dispose]();
      this.#watchers.delete(its);
    });
    this.#watchers.add(reports);
    return reports;
  }

  /** See `Driver.counters`. */
  async counters(
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DomainCounters>> {
    await this.#waits.look(signal);
    const now = this.hypervisor.clock.now();
    const counters = new Map<string, DomainCounters>();
    for (const domain of this.hypervisor.all()) {
      if (domain.uid !== null && isUp(domain)) {
        counters.set(domain.uid, countersOf(domain, now));
      }
    }
    return counters;
  }

  /** Ends every wait, watch and console; domains live on. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.#waits[Symbol.dispose]();
    this.#listening[Symbol.dispose]();
    for (const watcher of this.#watchers) watcher[Symbol.dispose]();
    this.console[Symbol.dispose]();
    if (this.#ownsHypervisor) this.hypervisor[Symbol.dispose]();
    return Promise.resolve();
  }

  #create(plan: DomainPlan): void {
    const { startError } = plan.spec.sim;
    const { startFailsEvery } = this.faults;
    this.#starts++;
    if (startError !== undefined) {
      throw new UsherError("driver_failed", startError);
    }
    if (startFailsEvery !== undefined && this.#starts % startFailsEvery === 0) {
      throw new UsherError(
        "driver_failed",
        `Start number ${this.#starts} of this node was made to fail`,
      );
    }
    const domain = this.hypervisor.keyOf(plan.uid);
    const now = this.hypervisor.clock.now();
    this.#put({ ...newDomain(plan, now), domain }, true);
  }

  /** The report once it runs, null while it does not yet. */
  #started(plan: DomainPlan, domain: SimDomain | null): DomainReport | null {
    if (domain?.phase === "starting") return null;
    if (domain === null || domain.phase === "stopped") {
      const reason = domain?.reason ?? "forgotten while starting";
      throw new UsherError(
        "driver_failed",
        `Cannot start "${plan.name}": ${reason}`,
      );
    }
    return this.#report(domain);
  }

  async #shutDown(
    domain: SimDomain,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const key = domain.domain;
    this.#put(askedToShutDown(domain, this.hypervisor.clock.now()));
    this.#countStopping(key, 1);
    try {
      const ended = await this.#waits.until(
        key,
        (now) => now === null || !isUp(now) ? true : null,
        {
          signal,
          timeoutMs: graceMs,
        },
      );
      if (ended === null) {
        throw new UsherError(
          "timed_out",
          `Guest of "${domain.name}" did not shut down within ${graceMs} ms`,
        );
      }
    } finally {
      this.#countStopping(key, -1);
    }
  }

  #cutPower(domain: SimDomain): void {
    const when = domain.phase === "starting" ? " while starting" : "";
    this.#put(halted(domain, `powered off${when}`));
  }

  #countStopping(key: string, by: 1 | -1): void {
    const count = (this.#stopping.get(key) ?? 0) + by;
    if (count > 0) this.#stopping.set(key, count);
    else this.#stopping.delete(key);
    const domain = this.hypervisor.get(key);
    if (domain?.phase === "running") this.#tell(domain, domain);
  }

  async #pause(uid: string, signal: AbortSignal): Promise<DomainReport> {
    await this.#waits.verb(signal);
    const domain = this.#existing("pause", uid);
    if (domain.phase === "running") {
      this.#put(paused(domain, this.hypervisor.clock.now()));
    } else if (domain.phase !== "paused") throw wrongState("pause", domain);
    return answer(domain.knobs, "pause", this.#reportOf(uid));
  }

  async #resume(uid: string, signal: AbortSignal): Promise<DomainReport> {
    await this.#waits.verb(signal);
    const domain = this.#existing("resume", uid);
    if (domain.phase === "paused") {
      this.#put(resumed(domain, this.hypervisor.clock.now()));
    } else if (domain.phase !== "running") throw wrongState("resume", domain);
    return answer(domain.knobs, "resume", this.#reportOf(uid));
  }

  #put(domain: SimDomain, isNew = false): void {
    try {
      if (isNew) this.hypervisor.create(domain);
      else this.hypervisor.put(domain);
    } catch (error) {
      throw new UsherError(
        "driver_failed",
        `Cannot write the state of "${domain.name}": ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  #find(uid: string): SimDomain | null {
    return this.hypervisor.get(this.hypervisor.keyOf(uid));
  }

  #existing(verb: string, uid: string): SimDomain {
    const domain = this.#find(uid);
    if (domain === null) {
      throw new UsherError(
        "not_found",
        `Cannot ${verb} VM ${uid}: sim has no domain of it`,
      );
    }
    return domain;
  }

  #isUp(key: string): boolean {
    const domain = this.hypervisor.get(key);
    return domain !== null && isUp(domain);
  }

  #reportOf(uid: string): DomainReport {
    const domain = this.#find(uid);
    return domain === null
      ? absentReport(uid, this.hypervisor.keyOf(uid))
      : this.#report(domain);
  }

  #report(domain: SimDomain): DomainReport {
    return reportOf(domain, this.#stopping.has(domain.domain));
  }

  #tell(domain: SimDomain | null, before: SimDomain | null): void {
    if (this.#watchers.size === 0) return;
    const report = domain === null
      ? absentReport(before?.uid ?? null, before?.domain ?? "")
      : this.#report(domain);
    for (const watcher of this.#watchers) watcher.push(report);
  }
}
