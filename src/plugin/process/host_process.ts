/**
 * The process of a plugin as the controller has it: told and heard, and killed
 * when it does not answer. Whatever comes from there that is no frame ends it.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { Deadline } from "../../sys/clock.ts";
import type { OwnedChild } from "../../sys/owned_child.ts";
import { type ProcessId, readProcess } from "../../sys/process_table.ts";
import type { Frame } from "./frame.ts";
import { FrameLine } from "./frame_line.ts";
import type { HostGroup } from "./host_groups.ts";
import {
  type HostOptions,
  type HostOwner,
  type JoinedHost,
  joinHost,
} from "./host_join.ts";
import {
  BODY_ROOM,
  FROM_HOST,
  TO_HOST,
  type WorkerSpec,
  type WorkerStart,
} from "./protocol.ts";
import { GuestReport } from "../files/report.ts";
import { type LineEars, meetWorker, type WorkerLine } from "./worker_line.ts";

/** What is heard of one worker. */
export interface WorkerEars {
  /** The bytes are gone once this returns. */
  onBody(body: Uint8Array): void;
  /** It is no more, and none of its calls will be answered. Said once. */
  onDown(why: string): void;
}

/** A worker that was started, and has said of itself what it is. */
export interface StartedWorker {
  readonly report: GuestReport;
  send(text: string): void;
  /** A call of it is late: unless it yields, it is ended. */
  doubt(): void;
  stop(): void;
}

/**
 * How long a process may leave the question unanswered whether it is there: so
 * often and so long, since a controller that was held up itself finds its timer
 * over before it has heard anything.
 */
const LIFE_MS = 1000;
const LIVES = 3;
/** How long a process may take to end that has closed its end. */
const END_MS = 1000;

/** So much is taken of why a worker is no more. */
const MAX_WHY = 10_000;
const decoder = new TextDecoder();

/** A process of plugins, from its start to its end. */
export class HostProcess {
  readonly id: ProcessId;
  /** Why it ended. */
  readonly ended: Promise<string>;
  readonly #options: HostOptions;
  readonly #whose: { owner: HostOwner };
  readonly #child: OwnedChild;
  readonly #group: HostGroup | null;
  readonly #line: FrameLine;
  readonly #ears = new Map<number, WorkerEars>();
  readonly #lines = new Map<number, WorkerLine>();
  readonly #ups = new Map<number, (report: string) => void>();
  #numbers = 0;
  #why: string | null = null;
  #life: { readonly id: number; timer: Disposable } | undefined;

  private constructor(options: HostOptions, joined: JoinedHost) {
    const { child, connection, group, seal, whose } = joined;
    this.#options = options;
    this.#whose = whose;
    this.#child = child;
    this.#group = group;
    this.#line = new FrameLine({
      connection,
      seals: { peer: seal },
      maxBody: () => whose.owner.maxBytes() + BODY_ROOM,
      onBroken: (why) =>
        this.kill(`its process cannot be told anything: ${why}`),
    });
    this.id = {
      pid: child.pid,
      startTicks: readProcess(child.pid)?.startTicks ?? 0,
    };
    void this.#read();
    this.ended = child.exited.then(({ code, signal }) => {
      const how = signal === null ? `code ${code}` : `signal ${signal}`;
      this.#end(group?.endedBy ?? `its process ended with ${how}`);
      group?.end(options.clock);
      return this.#why ?? how;
    });
  }

  /** Starts one. Throws `unavailable` when it does not come up in time. */
  static async start(options: HostOptions): Promise<HostProcess> {
    return new HostProcess(options, await joinHost(options));
  }

  /** Gives it, in which no worker is, to another owner. */
  belongTo(owner: HostOwner): void {
    this.#whose.owner = owner;
    this.limit();
  }

  /** Has the kernel hold it to the limits of those that are in it now. */
  limit(): void {
    this.#group?.limit(this.#whose.owner.limits());
  }

  /** What the kernel holds it to. */
  get heldTo(): HostGroup["controllers"] {
    return this.#group?.controllers ?? [];
  }

  /** Whether it has only what others leave of the processors, where priorities do not count. */
  yieldToOthers(does: boolean): void {
    this.#group?.yieldToOthers(does);
  }

  get isOver(): boolean {
    return this.#why !== null;
  }

  /** How many workers it has. */
  get workers(): number {
    return this.#ears.size;
  }

  /**
   * Starts a worker; resolves with what it says of itself. Throws
   * `plugin_failed` when it says nothing in time, or `signal` aborts; then it
   * is stopped.
   */
  async startWorker(
    spec: WorkerSpec,
    ears: WorkerEars,
    startMs: number,
    signal?: AbortSignal,
  ): Promise<StartedWorker> {
    const number = ++this.#numbers;
    const up = Promise.withResolvers<string>();
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => {}); // it may fail while nobody waits
    let isUp = false;
    this.#ups.set(number, up.resolve);
    this.#ears.set(number, {
      ...ears,
      onDown: (why) => isUp ? ears.onDown(why) : reject(notLoaded(why)),
    });
    const { clock } = this.#options;
    using deadline = new Deadline(clock, startMs, "start", signal);
    const late = () => reject(notLoaded(whyLate(startMs, signal)));
    deadline.signal.addEventListener("abort", late, { once: true });
    try {
      await using meeting = await meetWorker(
        clock,
        this.#lineEars(number, spec),
      );
      if (this.#why !== null) throw notLoaded(this.#why);
      signal?.throwIfAborted();
      const start: WorkerStart = { spec, line: meeting.invitation };
      const text = JSON.stringify(start);
      this.#line.send({ kind: TO_HOST.start, number, text });
      const met = meeting.line.then((line) => this.#hold(number, line));
      met.catch(() => {}); // it has not come, and that is told below
      const said = await Promise.race([failed, up.promise]);
      const report = GuestReport.parse(JSON.parse(said));
      // Before it can load anything it is on its line.
      const line = "problem" in report
        ? null
        : await Promise.race([failed, met]);
      isUp = true;
      return {
        report,
        send: (text) => line?.send(text),
        doubt: () => this.#line.send({ kind: TO_HOST.doubt, number }),
        stop: () => this.#stop(number),
      };
    } catch (error) {
      this.#stop(number);
      throw error;
    } finally {
      this.#ups.delete(number);
    }
  }

  #lineEars(number: number, { maxBytes }: WorkerSpec): LineEars {
    return {
      maxBody: maxBytes + BODY_ROOM,
      onBody: (body) => this.#ears.get(number)?.onBody(body),
      onBroken: (why) => this.#broken(number, why),
    };
  }

  /** Keeps the line of a worker for as long as the worker is there. */
  #hold(number: number, line: WorkerLine): WorkerLine {
    if (!this.#ears.has(number)) line.close();
    else this.#lines.set(number, line);
    return line;
  }

  #broken(number: number, why: string): void {
    const ears = this.#ears.get(number);
    if (ears === undefined) return;
    this.#stop(number);
    ears.onDown(why);
  }

  /** Its process says that it is no more. What it said before is heard first. */
  async #down(number: number, why: string): Promise<void> {
    await this.#lines.get(number)?.lastWords();
    this.#lines.get(number)?.close();
    this.#lines.delete(number);
    const ears = this.#ears.get(number);
    this.#ears.delete(number);
    ears?.onDown(why);
  }

  #stop(number: number): void {
    this.#lines.get(number)?.close();
    this.#lines.delete(number);
    if (!this.#ears.delete(number)) return;
    this.#line.send({ kind: TO_HOST.stop, number });
  }

  /** It should have answered: unless it shows life, it is killed. */
  suspect(): void {
    if (this.#life !== undefined || this.#why !== null) return;
    const id = ++this.#numbers;
    this.#life = { id, timer: this.#countLives(LIVES) };
    this.#line.send({ kind: TO_HOST.ping, number: id });
  }

  #countLives(left: number): Disposable {
    return this.#options.clock.after(LIFE_MS, () => {
      if (left <= 1) return this.kill("its process does not answer");
      if (this.#life !== undefined) {
        this.#life.timer = this.#countLives(left - 1);
      }
    });
  }

  /** Ends it at once. */
  kill(why: string): void {
    this.#end(why);
    this.#child.kill();
  }

  #end(why: string): void {
    if (this.#why !== null) return;
    this.#why = why;
    this.#life?.timer[Symbol.dispose]();
    this.#line.close();
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
    const ears = [...this.#ears.values()];
    this.#ears.clear();
    for (const ear of ears) ear.onDown(why);
  }

  async #read(): Promise<void> {
    try {
      await this.#line.read((frame) => this.#hear(frame));
    } catch (error) {
      return this.kill(
        `its process said what makes no sense: ${messageOf(error)}`,
      );
    }
    if (this.#why === null) await this.#left();
  }

  /** Its end of the socket is closed, mostly since it has ended: that says more. */
  async #left(): Promise<void> {
    using deadline = new Deadline(this.#options.clock, END_MS, "end");
    const { promise: over, resolve } = Promise.withResolvers<void>();
    deadline.signal.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([this.#child.exited, over]);
    this.kill("its process has left");
  }

  #hear({ kind, number, body }: Frame): void {
    switch (kind) {
      case FROM_HOST.up:
        return this.#ups.get(number)?.(decoder.decode(body));
      case FROM_HOST.down:
        return void this.#down(
          number,
          decoder.decode(body.subarray(0, MAX_WHY)),
        );
      case FROM_HOST.pong:
        if (number !== this.#life?.id) return;
        this.#life.timer[Symbol.dispose]();
        this.#life = undefined;
        return;
      default:
        throw new Error(`A frame is of no kind: ${kind}`);
    }
  }
}

function whyLate(startMs: number, signal: AbortSignal | undefined): string {
  return signal?.aborted
    ? "it is let go"
    : `it has not loaded within ${startMs} ms`;
}

function notLoaded(why: string): UsherError {
  return new UsherError("plugin_failed", `Cannot be loaded: ${why}`);
}
