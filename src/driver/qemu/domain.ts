/**
 * One domain: a QEMU process, the monitor to it, and what is known of its end.
 *
 * The process is the truth. The monitor may be lost and opened again, and a
 * QEMU that does not answer still runs its guest, so it is `running` until
 * its process is gone. One loop (`#tend`) follows each living process to its
 * end, reports what it hears, and writes down how it ended.
 *
 * @module
 */
import type { DetachedChild } from "../../sys/child.ts";
import {
  isFrozen,
  type ProcessId,
  readLiving,
} from "../../sys/process_table.ts";
import type { DomainReport } from "../driver.ts";
import { consoleAt, type ConsoleLine } from "../console_line.ts";
import { type Phase, stateOf } from "./domain_state.ts";
import type { QemuEnvironment } from "./environment.ts";
import type { Ending } from "../ending.ts";
import type { Handle } from "./handle.ts";
import { HandleKeeper } from "./handle_keeper.ts";
import type { DomainFiles } from "./layout.ts";
import {
  ANSWER_MS,
  EVENTS,
  fatalStatus,
  openMonitor,
  queryStatus,
} from "./monitor.ts";
import { News } from "../news.ts";
import { endProcess, isGoneWithin } from "./process_end.ts";
import { findByPidFile } from "./process_scan.ts";
import type { QmpClient } from "./qmp/client.ts";
import type { QmpEvent } from "./qmp/event_queue.ts";
import type { Message } from "./qmp/session.ts";
import { notRunning, outOfReach, RunState } from "./run_state.ts";
import { untilAborted } from "../turns.ts";
import { Witness } from "./witness.ts";

/** QEMU closes its sockets a few milliseconds before it is gone. */
const CLOSING_MS = 200;
const RECONNECT_MS = 500;

/** One domain: its handle, its process, its monitors. */
export class Domain {
  readonly files: DomainFiles;
  readonly console: ConsoleLine;
  readonly keeper: HandleKeeper;
  /** Rings whenever QEMU has something to say. */
  readonly news = new News();
  handle: Handle;
  readonly #env: QemuEnvironment;
  #phase: Phase = "idle";
  #process: ProcessId | null = null;
  #monitor: QmpClient | null = null;
  #run = new RunState();
  /** State and reason as last told to whoever watches. */
  #told = "";
  #witness = new Witness();
  /** Under way once the guest is beyond help and QEMU is being ended. */
  #burial: Promise<void> | null = null;
  #tending: Promise<void> = Promise.resolve();

  constructor(env: QemuEnvironment, handle: Handle) {
    this.#env = env;
    this.handle = handle;
    this.files = env.layout.files(handle.uid);
    this.console = consoleAt(this.files.serial);
    this.keeper = new HandleKeeper(env.layout, env.log);
  }

  /** Its process, while it lives. */
  get process(): ProcessId | null {
    return this.#process === null ? null : readLiving(this.#process);
  }

  set phase(phase: Phase) {
    this.#phase = phase;
    this.publish();
  }

  /** Ends a start that failed, whose process is gone; what is to be told of it comes from the caller. */
  abandonStart(): void {
    this.#phase = "idle";
    this.#process = null;
  }

  /** What is known now, without asking anybody. */
  report(): DomainReport {
    const { uid, name, incarnation, generation } = this.handle;
    return {
      uid,
      domain: uid,
      name,
      ...this.#env.told(this.handle, this.#state()),
      incarnation,
      generation,
    };
  }

  /** Tells whoever watches. Not while the end is being settled: that is told once, when it is known. */
  publish(): void {
    const settling = this.#process !== null &&
      (this.process === null || this.#burial !== null);
    if (settling) return;
    const report = this.report();
    this.#told = `${report.state}: ${report.reason}`;
    this.#env.publish(report);
  }

  /** Takes on the process that `start` made. Its events are heard from here on. */
  adoptChild(id: ProcessId, child: DetachedChild): void {
    this.#begin(id, new Witness(child));
  }

  /** The session that `start` opened, with the run state it found. */
  adoptMonitor(monitor: QmpClient, status: string): void {
    this.#monitor = monitor;
    this.#run.set(status);
    this.#tending = this.#tend();
  }

  /** Looks for a living process of an earlier LNM; whether there is one. */
  async attach(
    found: ProcessId | null = findByPidFile(this.#env.layout, this.handle.uid),
  ): Promise<boolean> {
    if (this.process !== null) return true;
    if (found === null) {
      if (this.handle.ending === null) await this.#conclude();
      return false;
    }
    this.#begin(found, new Witness());
    if (this.handle.ending !== null) {
      // What an earlier LNM was about to do to it did not come to its end.
      this.handle = { ...this.handle, ending: null };
      this.keeper.save(this.handle);
    }
    await this.#reconnect();
    this.#tending = this.#tend();
    return true;
  }

  /** Asks QEMU what it is doing; bounded in time. */
  async look(): Promise<DomainReport> {
    const process = this.process;
    if (process === null) {
      await this.#tending;
      return this.report();
    }
    if (isFrozen(process)) this.#run.fallSilent(process);
    else if (this.#monitor !== null) await this.#ask(this.#monitor);
    if (this.process === null || this.#burial !== null) await this.#tending;
    return this.report();
  }

  /** Looks again, and tells if anything is different: a QEMU that froze or hangs tells nobody by itself. */
  async checkPulse(): Promise<void> {
    if (this.process === null || this.#phase === "starting") return;
    const { state, reason } = await this.look();
    if (`${state}: ${reason}` !== this.#told) this.publish();
  }

  /** Sends a command. Throws `wrong_state` when it does not run, `unavailable` when QEMU is out of reach. */
  async execute(
    command: string,
    args: Message = {},
    deadlineMs = ANSWER_MS,
  ): Promise<unknown> {
    const { name } = this.handle;
    const process = this.process;
    if (process === null) throw notRunning(command, name, this.report().state);
    if (this.#monitor === null || isFrozen(process)) {
      throw outOfReach(name, process);
    }
    return await this.#monitor.execute(command, args, { deadlineMs });
  }

  /** Sets the run state after a command that is known to have changed it. */
  setStatus(status: "paused" | "running"): void {
    if (this.#run.status === status) return;
    this.#run.change(status);
    this.publish();
  }

  /** Resolves when the process is gone and the end is known. */
  awaitEnd(signal: AbortSignal): Promise<void> {
    return untilAborted(this.#tending, signal);
  }

  /** Cuts the power, whatever the guest or QEMU is doing. */
  async cutPower(): Promise<void> {
    if (this.process === null) return await this.#tending;
    this.#witness.seeCut();
    await this.#end();
    await this.#tending;
  }

  async #end(): Promise<void> {
    const process = this.process;
    if (process === null) return;
    await endProcess({
      name: this.handle.name,
      process,
      monitor: this.#monitor,
      closing: this.#env.closing,
      beforeKill: () => this.#keepVerdict(),
    });
  }

  /** Lets go of it; it runs on. */
  async close(): Promise<void> {
    this.console.close();
    this.#monitor?.close();
    await this.#tending;
    await this.keeper.settled();
  }

  /** Resolves when all that was to be kept is durable. */
  settled(): Promise<void> {
    return this.keeper.settled();
  }

  #begin(id: ProcessId, witness: Witness): void {
    this.#process = id;
    this.#run = new RunState();
    this.#witness = witness;
    this.#burial = null;
  }

  #state(): ReturnType<typeof stateOf> {
    return stateOf({
      phase: this.#phase,
      // Until its end is settled, it is what it was.
      alive: this.#process !== null,
      ending: this.handle.ending,
      ...this.#run.facts,
      move: this.handle.move,
    });
  }

  async #ask(monitor: QmpClient): Promise<void> {
    const run = this.#run;
    try {
      run.set(await queryStatus(monitor));
      if (run === this.#run) this.#checkFatal();
    } catch {
      run.fallSilent(this.#process);
    }
  }

  /** A guest that is beyond help is held by QEMU until this was read; then QEMU goes, too. */
  #checkFatal(): void {
    const { status } = this.#run;
    const reason = status === null ? null : fatalStatus(status);
    if (reason === null || this.#burial !== null) return;
    this.#witness.seeFatal(reason);
    this.#burial = this.#bury();
  }

  async #bury(): Promise<void> {
    await this.#keepVerdict();
    await this.#end().catch((error) =>
      this.#env.log("error", "cannot end the QEMU of a crashed guest", {
        uid: this.handle.uid,
        error,
      })
    );
  }

  /** Follows the process to its end. */
  async #tend(): Promise<void> {
    while (!this.#env.closing.aborted) {
      if (this.#monitor !== null) {
        await this.#follow(this.#monitor);
        this.#monitor = null;
        if (this.#env.closing.aborted) return;
        await this.#isGoneWithin(CLOSING_MS);
      }
      if (this.process === null || this.#env.closing.aborted) break;
      if (await this.#reconnect()) continue;
      await this.#isGoneWithin(RECONNECT_MS);
    }
    if (!this.#env.closing.aborted) await this.#conclude();
  }

  async #follow(monitor: QmpClient): Promise<void> {
    const events = monitor.listen(EVENTS);
    // What happened before the queue was there shows in the run state.
    if (monitor.state === "running") void this.#ask(monitor);
    for await (const event of events) this.#hear(event);
    await monitor.ended;
  }

  #hear(event: QmpEvent): void {
    this.#witness.hear(event);
    this.#run.hear(event);
    this.news.ring();
    this.#checkFatal();
    if (this.#run.status !== null) this.publish();
  }

  async #reconnect(): Promise<boolean> {
    this.#monitor = await openMonitor(this.files);
    if (this.#monitor === null) {
      const isNews = this.#run.fallSilent(this.#process);
      if (isNews && this.process !== null) this.publish();
      return false;
    }
    await this.#ask(this.#monitor);
    this.publish();
    return true;
  }

  async #conclude(): Promise<void> {
    this.console.close();
    const ending = await this.#witness.explain(
      this.files.qemuLog,
      this.handle.bootId !== this.#env.bootId,
    );
    this.#process = null;
    this.#phase = "idle";
    this.keepEnding(ending);
  }

  /** Writes down and tells how it ended. Durable soon; until then QEMU's log says the same. */
  keepEnding(ending: Ending): void {
    this.handle = { ...this.handle, ending };
    this.publish();
    this.keeper.save(this.handle);
  }

  /** Makes durable how it will have ended, before the only witness of that goes. */
  async #keepVerdict(): Promise<void> {
    const ending = this.#witness.verdict;
    if (ending === null) return;
    this.handle = { ...this.handle, ending };
    this.keeper.save(this.handle);
    await this.keeper.settled();
  }

  async #isGoneWithin(ms: number): Promise<boolean> {
    return this.#process === null ||
      await isGoneWithin(this.#process, ms, () => this.#env.closing.aborted);
  }
}
