/**
 * The libvirt driver: real guests, run by libvirt's daemon, which is spoken to
 * by `virsh`.
 *
 * A guest is the daemon's child and not the LNM's. It is found again by its UUID,
 * which follows from its uid, by the mark in its definition, and by its handle;
 * see `book.ts`. The daemon may go and come back as it likes: verbs say
 * `unavailable` meanwhile, and guests run on.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { LibvirtConfig } from "../../schema/config.ts";
import { makeFolder } from "../../sys/file.ts";
import { readBootId } from "../../sys/process_table.ts";
import { absent, requireDomain } from "../absent.ts";
import { ConsoleLine } from "../console_line.ts";
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
import { Starts } from "../starts.ts";
import { Turns, untilAborted } from "../turns.ts";
import { Watchers } from "../watchers.ts";
import { LibvirtAdoption } from "./adoption.ts";
import { Book } from "./book.ts";
import { openLine } from "./console.ts";
import { readHistory } from "./history.ts";
import { readCounters } from "./counters.ts";
import type { Domain } from "./domain.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import { removeTraces } from "./forget.ts";
import { LibvirtGuarding } from "./guarding.ts";
import { Installation } from "./installation.ts";
import { launch } from "./launch.ts";
import { layOut } from "./layout.ts";
import { Listener } from "./listener.ts";
import { type LibvirtMigration, libvirtMigration } from "./migration/mod.ts";
import { cutPower } from "./power_cut.ts";
import { shutDown } from "./shutdown.ts";
import { isLocal } from "./uri.ts";
import { isRunningAlready, Virsh } from "./virsh.ts";

/** The name that specs and configurations use. */
export const NAME = "libvirt";

/** Opens the driver; the daemon need not be there. */
export async function openLibvirtDriver(
  context: DriverContext,
  config: unknown,
): Promise<Driver> {
  const driver = new LibvirtDriver(context, LibvirtConfig.parse(config ?? {}));
  await driver.open();
  return driver;
}

class LibvirtDriver implements Driver {
  readonly name = NAME;
  readonly offers = {
    boot: ["kernel", "disk"],
    disks: ["raw", "qcow2", "overlay", "volume"],
    nics: ["user", "bridge", "tap"],
    moves: ["running", "paused", "off", "disks"],
  };
  readonly pausing: Pausing = {
    pause: (uid, signal) => this.#setRunning(uid, "paused", signal),
    resume: (uid, signal) => this.#setRunning(uid, "running", signal),
  };
  readonly console: Console = {
    history: (uid, maxBytes) => readHistory(this.#known(uid), maxBytes),
    attach: (uid, signal) => this.#attachConsole(uid, signal),
  };
  readonly adoption: LibvirtAdoption;
  readonly migration?: LibvirtMigration;
  readonly guarding?: LibvirtGuarding;
  readonly #env: LibvirtEnvironment;
  readonly #installation: Installation;
  readonly #book: Book;
  readonly #lines = new Map<string, ConsoleLine>();
  readonly #watchers = new Watchers();
  readonly #closing = new AbortController();
  readonly #turns = new Turns();
  readonly #starts = new Starts(this.#turns);
  #listening: Promise<void> = Promise.resolve();

  constructor(context: DriverContext, config: LibvirtConfig) {
    const virsh = new Virsh({
      program: config.virsh,
      uri: config.uri,
      timeoutMs: config.verb_timeout,
    });
    this.#installation = new Installation(virsh, config);
    this.#env = {
      node: context.node,
      config,
      layout: layOut(context.stateDir, context.runDir),
      virsh,
      bootId: readBootId(),
      log: context.log,
      closing: this.#closing.signal,
      publish: (report) => this.#watchers.publish(report),
      told: (handle, seen) => this.guarding?.toldOf(handle, seen) ?? seen,
      accel: () => this.#installation.accel(),
    };
    this.#book = new Book(this.#env);
    if (isLocal(config.uri)) {
      this.guarding = new LibvirtGuarding(this.#env, this.#book);
    }
    this.adoption = new LibvirtAdoption(this.#env, this.#book);
    const { peers } = context;
    if (peers === undefined) return;
    this.migration = libvirtMigration({
      env: this.#env,
      book: this.#book,
      turns: this.#turns,
      peers,
    });
  }

  /** Reads what an earlier life has kept, and begins to listen. */
  async open(): Promise<void> {
    const { layout } = this.#env;
    const { handles, overlays, logs, definitions, moves, home } = layout;
    for (
      const folder of [
        ...[layout.runDir, home, handles, overlays],
        ...[logs, definitions, moves],
      ]
    ) await makeFolder(folder);
    await this.#book.load();
    // An end that came while no LNM was there is known before it is asked for.
    await this.#book.look().catch(() => {});
    const listener = new Listener(this.#env, this.#book, this.#installation);
    this.#listening = listener.run();
  }

  probe(signal: AbortSignal): Promise<Probe> {
    return this.#installation.probe(signal);
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
        await this.#look(signal);
        const domain = this.#book.domains.get(uid);
        if (domain === undefined) return absent(uid);
        this.migration?.refuseWhileMoving(domain, "shut down");
        const means = { virsh: this.#env.virsh, book: this.#book };
        return await shutDown(means, domain, graceMs, signal);
      },
      cutPower: async () => {
        const domain = this.#book.domains.get(uid) ?? await this.#find(uid);
        if (domain === undefined) return;
        await cutPower(this.#env, this.#book, domain);
        await this.migration?.powerCut(domain);
      },
      report: () => this.#book.domains.get(uid)?.report() ?? absent(uid),
    });
  }

  async forget(uid: string, signal: AbortSignal): Promise<void> {
    await this.#turns.inTurn(uid, signal, async () => {
      const domain = await this.#find(uid);
      if (domain === undefined) return;
      this.migration?.refuseWhileMoving(domain, "forget");
      if (domain.isUp) {
        throw cannotNow("forget", domain, `it is ${domain.state().state}`);
      }
      await removeTraces(this.#env, domain);
      this.#book.remove(domain);
      this.#lines.delete(uid);
    });
  }

  async inspect(uid: string, signal: AbortSignal): Promise<DomainReport> {
    await this.#look(signal);
    const domain = this.#book.domains.get(uid);
    if (domain === undefined) return absent(uid);
    const { spec } = domain.handle;
    return spec === null ? domain.report() : { ...domain.report(), spec };
  }

  async list(signal: AbortSignal): Promise<readonly DomainReport[]> {
    await this.#look(signal);
    const own = [...this.#book.domains.values()];
    return [
      ...own.map((domain) => domain.report()),
      ...this.#book.foreignReports(),
    ];
  }

  watch(signal: AbortSignal): AsyncIterable<DomainReport> {
    return this.#watchers.watch(signal);
  }

  async counters(
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DomainCounters>> {
    signal.throwIfAborted();
    const found = new Map<string, DomainCounters>();
    const all = await readCounters(this.#env.virsh, signal);
    for (const [name, counters] of all) {
      const domain = this.#book.byName(name);
      if (domain !== undefined) found.set(domain.handle.uid, counters);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const line of this.#lines.values()) line.close();
    await this.#starts.allSettled();
    await this.migration?.settled();
    await this.#listening;
    this.#watchers[Symbol.dispose]();
    const domains = [...this.#book.domains.values()];
    await Promise.all(domains.map((domain) => domain.settled()));
  }

  async #startNow(
    plan: DomainPlan,
    cancel: AbortSignal,
  ): Promise<DomainReport> {
    await this.#book.look();
    const known = this.#book.domains.get(plan.uid);
    refuseOlder(plan, known?.handle.generation);
    if (known !== undefined) this.migration?.refuseWhileMoving(known, "start");
    if (known?.isUp) return known.report();
    return await launch(this.#env, this.#book, plan, cancel);
  }

  async #setRunning(
    uid: string,
    state: "paused" | "running",
    signal: AbortSignal,
  ): Promise<DomainReport> {
    await this.#look(signal);
    const domain = this.#known(uid);
    this.migration?.refuseWhileMoving(
      domain,
      state === "paused" ? "pause" : "resume",
    );
    const verb = state === "paused" ? "suspend" : "resume";
    const word = state === "paused" ? "pause" : "resume";
    const failed = (code: "wrong_state" | "driver_failed", why: string) =>
      new UsherError(
        code,
        `Cannot ${word} VM "${domain.handle.name}": ${why}`,
      );
    const now = domain.state().state;
    if (now === state) return domain.report();
    if (!domain.isUp) throw failed("wrong_state", `it is ${now}`);
    if (state === "running") await this.guarding?.drop(uid, signal);
    const act = this.#env.virsh.act([verb, domain.uuid]).then((refusal) => {
      // One that its guard had stopped by a signal is as it was before.
      const isSo = refusal !== null && state === "running" &&
        isRunningAlready(refusal);
      if (refusal !== null && !isSo) throw failed("driver_failed", refusal);
      this.#book.touch(domain);
      domain.set(state);
    });
    await untilAborted(act, signal);
    return domain.report();
  }

  async #attachConsole(
    uid: string,
    signal: AbortSignal,
  ): Promise<ConsoleStream> {
    await this.#look(signal);
    const domain = this.#known(uid);
    if (!domain.isUp) {
      throw cannotNow(
        "open the console of",
        domain,
        `it is ${domain.state().state}`,
      );
    }
    const line = this.#lines.get(uid) ??
      new ConsoleLine(() => openLine(this.#env.virsh.options, domain));
    this.#lines.set(uid, line);
    return await line.attach(signal);
  }

  async #look(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#book.look(signal);
  }

  /** The domain as libvirt has it now. */
  async #find(uid: string): Promise<Domain | undefined> {
    await this.#book.look();
    return this.#book.domains.get(uid);
  }

  #known(uid: string): Domain {
    return requireDomain(this.#book.domains.get(uid), uid);
  }
}
