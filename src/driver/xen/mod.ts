/**
 * The xen driver: guests under the Xen hypervisor, by its toolstack `xl`, from
 * an LNM that runs in dom0.
 *
 * A domain belongs to Xen and to nobody else: what watches over it is xl's own
 * monitor, which lives in a session of its own. The driver keeps what Xen does
 * not: a handle for each domain, found by the domain's uuid, which is the VM's
 * uid. What xl answers to a verb is never taken for what has happened; the
 * driver looks before and after.
 *
 * @module
 */
import { XenConfig } from "../../schema/config.ts";
import { makeFolder } from "../../sys/file.ts";
import { readLogTail } from "../../sys/log_file.ts";
import { environment } from "../../sys/environment.ts";
import { readBootId } from "../../sys/process_table.ts";
import { absent, requireDomain } from "../absent.ts";
import type {
  Console,
  ConsoleStream,
  DomainCounters,
  DomainPlan,
  DomainReport,
  Driver,
  DriverContext,
  Pausing,
  Probe,
  StopOptions,
} from "../driver.ts";
import { cannotNow } from "../refusals.ts";
import { Turns, untilAborted } from "../turns.ts";
import { Watchers } from "../watchers.ts";
import { findConsoleLog, rotateConsoles } from "./console_log.ts";
import { readCounters } from "./counters.ts";
import type { Domain } from "./domain.ts";
import { Domains } from "./domains.ts";
import type { XenEnvironment } from "./environment.ts";
import { layOut } from "./layout.ts";
import type { Row } from "./listing.ts";
import { Looks } from "./looks.ts";
import { XenMachine } from "./machine.ts";
import { type XenMigration, xenMigration } from "./migration/mod.ts";
import { setPaused } from "./pausing.ts";
import { Power } from "./power.ts";
import { probeXen } from "./probing.ts";
import { isUnsettled, Settling } from "./settling.ts";
import { XenStore } from "./store.ts";
import { Tending } from "./tending.ts";
import { Xl } from "./xl.ts";

/** The name that specs and configurations use. */
export const NAME = "xen";

const ROTATE_EVERY_MS = 2000;

/** Opens the driver; what an earlier life has left is found by the first look. */
export async function openXenDriver(
  context: DriverContext,
  config: unknown,
  xenLogs?: string,
): Promise<Driver> {
  const driver = new XenDriver(context, XenConfig.parse(config ?? {}), xenLogs);
  await driver.open();
  return driver;
}

class XenDriver implements Driver {
  readonly name = NAME;
  readonly offers = {
    boot: ["kernel", "disk"],
    disks: ["raw", "qcow2", "volume"],
    nics: ["bridge"],
    moves: ["running", "off"],
  };
  readonly pausing: Pausing = {
    pause: (uid, signal) => this.#setPaused(uid, true, signal),
    resume: (uid, signal) => this.#setPaused(uid, false, signal),
  };
  readonly console: Console = {
    history: async (uid, maxBytes) => {
      const { name } = this.#known(uid).handle;
      const log = await findConsoleLog(this.#env.layout, name);
      return log === null ? new Uint8Array() : await readLogTail(log, maxBytes);
    },
    attach: (uid, signal) => this.#attachConsole(uid, signal),
  };

  readonly migration?: XenMigration;
  readonly #env: XenEnvironment;
  readonly #machine: XenMachine;
  readonly #domains: Domains;
  readonly #settling: Settling;
  readonly #tending: Tending;
  readonly #power: Power;
  readonly #watchers = new Watchers();
  readonly #closing = new AbortController();
  readonly #turns = new Turns();
  /** Domains that are about to be settled, or are. */
  readonly #unsettled = new Map<string, Promise<void>>();
  #run: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: DriverContext, config: XenConfig, xenLogs?: string) {
    const programs = {
      PATH: environment("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C",
    };
    const xl = new Xl({ program: config.xl, deadlineMs: config.verb_timeout });
    this.#machine = new XenMachine(xl);
    this.#env = {
      node: context.node,
      config,
      layout: layOut(context.stateDir, xenLogs),
      bootId: readBootId(),
      log: context.log,
      xl,
      store: new XenStore(config.xl, programs),
      looks: new Looks(() => this.#look()),
      programs,
      closing: this.#closing.signal,
      publish: (report) => this.#watchers.publish(report),
    };
    this.#domains = new Domains(this.#env);
    this.#settling = new Settling(this.#env);
    this.#tending = new Tending(this.#env);
    const { peers } = context;
    if (peers !== undefined) {
      this.migration = xenMigration({
        env: this.#env,
        peers,
        domains: this.#domains,
        turns: this.#turns,
      });
    }
    this.#power = new Power({
      env: this.#env,
      domains: this.#domains,
      turns: this.#turns,
      settling: this.#settling,
      migration: this.migration,
      settled: () => this.#settled(),
    });
  }

  async open(): Promise<void> {
    const { handles, configs, logs, moves } = this.#env.layout;
    for (const folder of [handles, configs, logs, moves]) {
      await makeFolder(folder);
    }
    await this.#domains.load();
    this.#run = this.#tending.run();
    this.#timer = setInterval(
      () =>
        void rotateConsoles(
          this.#env,
          this.#domains.all().map(({ handle }) => handle.name),
        ),
      ROTATE_EVERY_MS,
    );
  }

  probe(signal: AbortSignal): Promise<Probe> {
    return probeXen(this.#env.xl, this.#machine, this.#env.layout, signal);
  }

  start(plan: DomainPlan, signal: AbortSignal): Promise<DomainReport> {
    return this.#power.start(plan, signal);
  }

  stop(uid: string, options: StopOptions): Promise<DomainReport> {
    return this.#power.stop(uid, options);
  }

  forget(uid: string, signal: AbortSignal): Promise<void> {
    return this.#power.forget(uid, signal);
  }

  async inspect(uid: string, signal: AbortSignal): Promise<DomainReport> {
    signal.throwIfAborted();
    const rows = await untilAborted(this.#settled(), signal);
    const domain = this.#domains.get(uid);
    if (domain === undefined) {
      const foreign = this.#domains.foreign(rows);
      return foreign.find((report) => report.domain === uid) ?? absent(uid);
    }
    const { spec } = domain.handle;
    return { ...domain.report(), ...(spec === null ? {} : { spec }) };
  }

  async list(signal: AbortSignal): Promise<readonly DomainReport[]> {
    signal.throwIfAborted();
    const rows = await untilAborted(this.#settled(), signal);
    return [
      ...this.#domains.all().map((domain) => domain.report()),
      ...this.#domains.foreign(rows),
    ];
  }

  watch(signal: AbortSignal): AsyncIterable<DomainReport> {
    return this.#watchers.watch(signal);
  }

  async counters(
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DomainCounters>> {
    signal.throwIfAborted();
    await untilAborted(this.#settled(), signal);
    const running = this.#domains.all().flatMap(({ handle, row, isLive }) =>
      isLive && row !== null && !row.shutdown
        ? [[handle.uid, row] as const]
        : []
    );
    const counters = await readCounters(running.map(([, row]) => row));
    return new Map(running.flatMap(([uid, { domid }]) => {
      const its = counters.get(domid);
      return its === undefined ? [] : [[uid, its] as const];
    }));
  }

  machineCounters(signal: AbortSignal): Promise<Partial<DomainCounters>> {
    return this.#machine.counters(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#power.allSettled();
    await this.migration?.settled();
    await Promise.allSettled(this.#unsettled.values());
    await this.#run;
    await this.#env.looks.settled();
    this.#watchers[Symbol.dispose]();
    await Promise.all(this.#domains.all().map((domain) => domain.close()));
  }

  /** Asks Xen, and takes in the answer. */
  async #look(): Promise<readonly Row[]> {
    const rows = await this.#env.xl.list(this.#closing.signal);
    await this.#domains.takeIn(rows);
    for (const domain of this.#domains.all()) this.#judge(domain);
    return rows;
  }

  /** What Xen has, once what follows of it is done. */
  async #settled(): Promise<readonly Row[]> {
    const rows = await this.#env.looks.fresh();
    if (this.#unsettled.size === 0) return rows;
    await Promise.allSettled(this.#unsettled.values());
    return await this.#env.looks.fresh();
  }

  #judge(domain: Domain): void {
    const { uid } = domain.handle;
    if (domain.phase === "starting") return;
    if (!isUnsettled(domain)) return domain.publish();
    if (this.#unsettled.has(uid) || this.#closing.signal.aborted) return;
    const { handle, row } = domain;
    const work = this.#turns.take(uid, async () => {
      // A verb that came first has changed it, and has looked since.
      const isSame = this.#domains.get(uid) === domain &&
        domain.handle === handle && domain.row === row &&
        domain.phase !== "starting";
      return isSame && await this.#settling.settle(domain);
    }).catch((error) => {
      this.#env.log("warn", "cannot settle a domain", { uid, error });
      return true;
    }).then((isSoon) => {
      this.#unsettled.delete(uid);
      if (isSoon) void this.#tending.again();
    });
    this.#unsettled.set(uid, work);
  }

  async #setPaused(
    uid: string,
    paused: boolean,
    signal: AbortSignal,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    const domain = this.#known(uid);
    this.migration?.refuseWhileMoving(domain, paused ? "pause" : "resume");
    const pausing = () => setPaused(this.#env, domain, paused);
    await this.#turns.inTurn(uid, signal, pausing);
    return domain.report();
  }

  async #attachConsole(
    uid: string,
    signal: AbortSignal,
  ): Promise<ConsoleStream> {
    const domain = this.#known(uid);
    await untilAborted(this.#settled(), signal);
    if (!domain.isLive) {
      throw cannotNow(
        "open the console of",
        domain,
        `it is ${domain.report().state}`,
      );
    }
    return await domain.console.attach(signal);
  }

  #known(uid: string): Domain {
    return requireDomain(this.#domains.get(uid), uid);
  }
}
