/**
 * The qemu driver: real guests, one QEMU process each, spoken to by QMP.
 *
 * A guest belongs to nobody but itself: its process has a session of its own
 * and files for its output, and is found again by its pid file, by its handle
 * and by the marker in its environment. Losing any two of the three loses no
 * guest. What `launch.ts` promises keeps it at one QEMU a domain.
 *
 * A power cut first cancels a start that is still under way, and a shutdown
 * that waits for its guest holds nothing.
 *
 * @module
 */
import { QemuConfig } from "../../schema/config.ts";
import { makeFolder } from "../../sys/file.ts";
import { readLogTail } from "../../sys/log_file.ts";
import { readBootId } from "../../sys/process_table.ts";
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
import { refuseOlder } from "../generation.ts";
import { cannotNow } from "../refusals.ts";
import { ProcessGuarding } from "../guard/guarding.ts";
import { readCounters } from "./counters.ts";
import { absent, requireDomain } from "../absent.ts";
import { holderOf } from "../disk_holder.ts";
import { adopt } from "./adoption.ts";
import { diskUsers } from "./disk_users.ts";
import { Domain } from "./domain.ts";
import type { QemuEnvironment } from "./environment.ts";
import { removeTraces } from "./forget.ts";
import type { QemuTarget } from "./guard/hands.ts";
import { guardTargets } from "./guarding.ts";
import { loadHandles, newHandle } from "./handle.ts";
import { inspected } from "./inspection.ts";
import { Installation } from "./installation.ts";
import { launch } from "./launch.ts";
import { requireLayout } from "./layout.ts";
import { type OwnProcess, scanProcesses } from "./process_scan.ts";
import { QemuMigration } from "./migration/mod.ts";
import { rotateLogs } from "./rotation.ts";
import { shutDown } from "./shutdown.ts";
import { Starts } from "../starts.ts";
import { Turns, untilAborted } from "../turns.ts";
import { Watchers } from "../watchers.ts";

/** The name that specs and configurations use. */
export const NAME = "qemu";

const ROTATE_EVERY_MS = 2000;
const PULSE_EVERY_MS = 2000;
/** How long QEMU may take for a verb; a busy node is slow, and not in error. */
const VERB_MS = 20_000;

/** Opens the driver and finds every domain of an earlier life. */
export async function openQemuDriver(
  context: DriverContext,
  config: unknown,
): Promise<Driver> {
  const driver = new QemuDriver(context, QemuConfig.parse(config ?? {}));
  await driver.open();
  return driver;
}

class QemuDriver implements Driver {
  readonly name = NAME;
  readonly offers = {
    boot: ["kernel", "disk"],
    disks: ["raw", "qcow2", "overlay", "volume"],
    nics: ["user", "bridge", "tap"],
    moves: ["running", "paused", "off", "disks", "post-copy"],
  };
  readonly pausing: Pausing = {
    pause: (uid, signal) => this.#setRunning(uid, "stop", signal),
    resume: (uid, signal) => this.#setRunning(uid, "cont", signal),
  };
  readonly console: Console = {
    history: (uid, maxBytes) =>
      readLogTail(this.#known(uid).files.consoleLog, maxBytes),
    attach: (uid, signal) => this.#attachConsole(uid, signal),
  };

  readonly guarding: ProcessGuarding<QemuTarget>;

  readonly migration?: QemuMigration;
  readonly #env: QemuEnvironment;
  readonly #installation: Installation;
  readonly #domains = new Map<string, Domain>();
  readonly #watchers = new Watchers();
  readonly #closing = new AbortController();
  readonly #turns = new Turns();
  readonly #starts = new Starts(this.#turns);
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(context: DriverContext, config: QemuConfig) {
    const layout = requireLayout(context.stateDir, context.runDir);
    const installation = new Installation(config, layout.accelFile);
    this.#installation = installation;
    this.guarding = new ProcessGuarding({
      driver: NAME,
      runDir: layout.runDir,
      silent: "QEMU",
      targets: () => guardTargets(this.#domains.values()),
      log: (message, fields) => context.log("info", message, fields),
    });
    this.#env = {
      node: context.node,
      config,
      layout,
      bootId: readBootId(),
      log: context.log,
      closing: this.#closing.signal,
      publish: (report) => this.#watchers.publish(report),
      accel: () => installation.accel(),
      told: (handle, seen) =>
        handle.onNodeLoss === "restart"
          ? this.guarding.told(handle, seen)
          : seen,
      holderOf: (disk) => holderOf(diskUsers(this.#domains.values()), disk),
    };
    const { peers } = context;
    if (peers === undefined) return;
    this.migration = new QemuMigration({
      env: this.#env,
      peers,
      domains: this.#domains,
      turns: this.#turns,
      starts: this.#starts,
    });
  }

  /** Finds what an earlier life has left running. */
  async open(): Promise<void> {
    const { layout, log } = this.#env;
    for (
      const folder of [
        layout.runDir,
        layout.handles,
        layout.overlays,
        layout.logs,
      ]
    ) await makeFolder(folder);
    const { handles, errors } = await loadHandles(layout);
    for (const error of errors) log("error", "cannot read a handle", { error });
    for (const handle of handles) {
      this.#domains.set(handle.uid, new Domain(this.#env, handle));
    }
    await this.#adopt(scanProcesses(layout).own);
    await Promise.all(
      [...this.#domains.values()].map((domain) => domain.attach()),
    );
    this.migration?.resume();
    const all = () => this.#domains.values();
    this.#timers = [
      setInterval(() => void rotateLogs(this.#env, all()), ROTATE_EVERY_MS),
      setInterval(() => {
        for (const domain of all()) void domain.checkPulse();
      }, PULSE_EVERY_MS),
    ];
  }

  async probe(_signal: AbortSignal): Promise<Probe> {
    return await this.#installation.probe();
  }

  start(plan: DomainPlan, signal: AbortSignal): Promise<DomainReport> {
    return this.#starts.joined(
      plan.uid,
      signal,
      (cancel) => this.#startNow(plan, cancel),
    );
  }

  stop(uid: string, options: StopOptions): Promise<DomainReport> {
    return this.#starts.stop(uid, options, {
      shutDown: async (graceMs, signal) => {
        const domain = this.#domains.get(uid);
        return domain === undefined
          ? absent(uid)
          : await shutDown(domain, graceMs, signal);
      },
      cutPower: async () => {
        const domain = this.#domains.get(uid);
        await domain?.cutPower();
        if (domain !== undefined) await this.migration?.powerCut(domain);
      },
      report: () => this.#domains.get(uid)?.report() ?? absent(uid),
    });
  }

  async forget(uid: string, signal: AbortSignal): Promise<void> {
    await this.#turns.inTurn(uid, signal, async () => {
      const domain = this.#domains.get(uid);
      if (domain !== undefined) {
        this.migration?.refuseWhileMoving(domain, "forget");
      }
      await removeTraces(this.#env.layout, uid, domain);
      this.#domains.delete(uid);
    });
  }

  async inspect(uid: string, signal: AbortSignal): Promise<DomainReport> {
    signal.throwIfAborted();
    if (!this.#domains.has(uid)) {
      await this.#adopt(scanProcesses(this.#env.layout).own);
    }
    return await inspected(this.#domains.get(uid), uid);
  }

  async list(signal: AbortSignal): Promise<readonly DomainReport[]> {
    signal.throwIfAborted();
    const { own, foreign } = scanProcesses(this.#env.layout);
    await this.#adopt(own);
    const reports = await Promise.all(
      [...this.#domains.values()].map((domain) => domain.look()),
    );
    return [...reports, ...foreign];
  }

  watch(signal: AbortSignal): AsyncIterable<DomainReport> {
    return this.#watchers.watch(signal);
  }

  async counters(
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DomainCounters>> {
    signal.throwIfAborted();
    const found = new Map<string, DomainCounters>();
    await Promise.all([...this.#domains].map(async ([uid, domain]) => {
      const counters = await readCounters(domain);
      if (counters !== null) found.set(uid, counters);
    }));
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.forEach((timer) => clearInterval(timer));
    this.#closing.abort();
    await this.#starts.allSettled();
    await this.migration?.close();
    this.#watchers[Symbol.dispose]();
    await Promise.all(
      [...this.#domains.values()].map((domain) => domain.close()),
    );
  }

  async #startNow(
    plan: DomainPlan,
    cancel: AbortSignal,
  ): Promise<DomainReport> {
    const known = this.#domains.get(plan.uid);
    refuseOlder(plan, known?.handle.generation);
    if (known !== undefined) this.migration?.refuseStart(known);
    if (known !== undefined && await known.attach()) {
      const report = await known.look();
      // It may just have come to its end; then this is a new run.
      if (known.process !== null) return report;
    }
    const domain = known ??
      new Domain(this.#env, newHandle(plan, this.#env.bootId));
    this.#domains.set(plan.uid, domain);
    try {
      return await launch(this.#env, domain, plan, {
        fresh: known === undefined,
        cancel,
      });
    } catch (error) {
      const isLeft = cancel.aborted || this.#closing.signal.aborted;
      if (known === undefined && !isLeft) {
        this.#domains.delete(plan.uid);
        this.#env.publish({ ...absent(plan.uid), name: plan.name });
      }
      throw error;
    }
  }

  async #setRunning(
    uid: string,
    command: "stop" | "cont",
    signal: AbortSignal,
  ): Promise<DomainReport> {
    signal.throwIfAborted();
    const domain = this.#known(uid);
    this.migration?.refuseWhileMoving(
      domain,
      command === "stop" ? "pause" : "resume",
    );
    if (command === "cont") await this.guarding.drop(uid, signal);
    await untilAborted(domain.execute(command, {}, VERB_MS), signal);
    domain.setStatus(command === "stop" ? "paused" : "running");
    return domain.report();
  }

  async #attachConsole(
    uid: string,
    signal: AbortSignal,
  ): Promise<ConsoleStream> {
    const domain = this.#known(uid);
    if (domain.process === null) {
      throw cannotNow(
        "open the console of",
        domain,
        `it is ${domain.report().state}`,
      );
    }
    return await domain.console.attach(signal);
  }

  async #adopt(processes: readonly OwnProcess[]): Promise<void> {
    const isStarting = (uid: string) => this.#starts.has(uid);
    await adopt(this.#env, this.#domains, processes, isStarting);
  }

  #known(uid: string): Domain {
    return requireDomain(this.#domains.get(uid), uid);
  }
}
