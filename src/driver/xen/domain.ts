/**
 * One domain of ours: its handle, what Xen showed of it last, and what this
 * LNM is doing to it. Xen's answer is the truth; the handle adds what Xen does
 * not keep: name, generation, incarnation, and how the run ended.
 *
 * @module
 */
import type { DomainReport } from "../driver.ts";
import { ConsoleLine } from "../console_line.ts";
import { saveHandle } from "../kept_handles.ts";
import { openConsole } from "./console.ts";
import { type Phase, stateOf } from "./domain_state.ts";
import type { XenEnvironment } from "./environment.ts";
import type { Ending } from "../ending.ts";
import type { Handle } from "./handle.ts";
import type { DomainFiles } from "./layout.ts";
import type { Row } from "./listing.ts";

/** One domain. */
export class Domain {
  readonly files: DomainFiles;
  readonly console: ConsoleLine;
  handle: Handle;
  readonly #env: XenEnvironment;
  #phase: Phase = "idle";
  #row: Row | null = null;
  #last: Row | null = null;
  /** The domid whose creation is known to be over; each reboot brings another. */
  #built: number | null = null;
  /** As last told to whoever watches. */
  #told = "";
  #saving: Promise<void> = Promise.resolve();
  #changed = Promise.withResolvers<void>();

  constructor(env: XenEnvironment, handle: Handle) {
    this.#env = env;
    this.handle = handle;
    this.files = env.layout.files(handle.uid);
    this.console = new ConsoleLine(() => openConsole(env, this));
  }

  /** What Xen showed of it last; null when that was nothing. */
  get row(): Row | null {
    return this.#row;
  }

  /** The newest that Xen showed of it while there was something. */
  get last(): Row | null {
    return this.#last;
  }

  /** Whether a guest is there that runs, or could go on. */
  get isLive(): boolean {
    return this.#row !== null && this.handle.ending === null;
  }

  /** Whether it is created anew just now, which looks like a pause. */
  get isBeingRebuilt(): boolean {
    return this.#row !== null && this.#row.domid !== this.#built;
  }

  get phase(): Phase {
    return this.#phase;
  }

  set phase(phase: Phase) {
    if (phase === "starting") this.#built = null;
    this.#phase = phase;
    this.publish();
  }

  /** Ends a start that failed; what is to be told of it comes from the caller. */
  restore(handle: Handle): void {
    this.#phase = "idle";
    this.handle = handle;
  }

  /** Takes in what Xen shows. Telling it is the caller's, once it is known what it means. */
  see(row: Row | null): void {
    this.#row = row;
    if (row === null) return;
    this.#last = row;
    const hasRun = !row.paused || row.cpuSeconds > 0;
    if (this.#built === null || hasRun) this.#built = row.domid;
  }

  /** What is known now, without asking anybody. */
  report(): DomainReport {
    const { uid, name, incarnation, generation } = this.handle;
    return {
      uid,
      domain: uid,
      name,
      ...stateOf(this.handle, this.#row, this.#phase, this.isBeingRebuilt),
      incarnation,
      generation,
    };
  }

  /** Tells whoever watches, if it is news. */
  publish(): void {
    const report = this.report();
    const told = JSON.stringify(report);
    if (told === this.#told) return;
    this.#told = told;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    this.#env.publish(report);
  }

  /** Resolves at its next news. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Changes the handle, and has it durable when this resolves. */
  async keep(changes: Partial<Handle>): Promise<void> {
    this.handle = { ...this.handle, ...changes };
    const { handle } = this;
    const saving = this.#saving.then(() =>
      saveHandle(this.#env.layout, handle)
    );
    this.#saving = saving.catch(() => {});
    await saving;
  }

  /** Writes down and tells how the run ended. */
  async keepEnding(ending: Ending): Promise<void> {
    this.console.close();
    const keeping = this.keep({ ending });
    this.publish();
    await keeping;
  }

  /** Lets go of it; it runs on. */
  async close(): Promise<void> {
    this.console.close();
    await this.#saving;
  }
}
