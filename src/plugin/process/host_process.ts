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
import type { ByteConnection } from "../../sys/unix_socket.ts";
import {
  encodeFrame,
  type Frame,
  type FrameParts,
  FrameReader,
  type TimedCall,
} from "./frame.ts";
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
  MAX_CALLS,
  TO_HOST,
  type WorkerSpec,
} from "./protocol.ts";
import { GuestReport } from "../files/report.ts";

/** What is heard of one worker. */
export interface WorkerEars {
  /** The bytes are gone once this returns. */
  onBody(body: Uint8Array): void;
  /** Calls that took too long. */
  onLate(calls: readonly number[]): void;
  /** It is no more, and none of its calls will be answered. Said once. */
  onDown(why: string): void;
}

/** A worker that was started, and has said of itself what it is. */
export interface StartedWorker {
  readonly report: GuestReport;
  send(text: string, calls: readonly TimedCall[]): void;
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
  readonly #connection: ByteConnection;
  readonly #seal: Uint8Array;
  readonly #ears = new Map<number, WorkerEars>();
  readonly #ups = new Map<number, (report: string) => void>();
  #numbers = 0;
  #why: string | null = null;
  #out: Uint8Array[] = [];
  #isWriting = false;
  #life: { readonly id: number; timer: Disposable } | undefined;

  private constructor(options: HostOptions, joined: JoinedHost) {
    const { child, connection, group, seal, whose } = joined;
    this.#options = options;
    this.#whose = whose;
    this.#child = child;
    this.#group = group;
    this.#seal = seal;
    this.#connection = connection;
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

  /** Lets it have what others leave of the processors, where priorities do not count. */
  lower(): void {
    this.#group?.lower();
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
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#ups.set(number, resolve);
    let isUp = false;
    this.#ears.set(number, {
      ...ears,
      onDown: (why) => isUp ? ears.onDown(why) : reject(notLoaded(why)),
    });
    const { clock } = this.#options;
    using deadline = new Deadline(clock, startMs, "start", signal);
    const late = () =>
      reject(
        notLoaded(
          signal?.aborted
            ? "it is let go"
            : `it has not loaded within ${startMs} ms`,
        ),
      );
    deadline.signal.addEventListener("abort", late, { once: true });
    try {
      if (this.#why !== null) throw notLoaded(this.#why);
      signal?.throwIfAborted();
      const text = JSON.stringify(spec);
      this.#send({ kind: TO_HOST.start, number, text });
      const report = GuestReport.parse(JSON.parse(await promise));
      isUp = true;
      return {
        report,
        send: (text, calls) =>
          this.#send({ kind: TO_HOST.body, number, calls, text }),
        stop: () => this.#stop(number),
      };
    } catch (error) {
      this.#stop(number);
      throw error;
    } finally {
      this.#ups.delete(number);
    }
  }

  #stop(number: number): void {
    if (!this.#ears.delete(number)) return;
    this.#send({ kind: TO_HOST.stop, number });
  }

  /** It should have answered: unless it shows life, it is killed. */
  suspect(): void {
    if (this.#life !== undefined || this.#why !== null) return;
    const id = ++this.#numbers;
    this.#life = { id, timer: this.#countLives(LIVES) };
    this.#send({ kind: TO_HOST.ping, number: id });
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
    this.#connection.close();
    const ears = [...this.#ears.values()];
    this.#ears.clear();
    for (const ear of ears) ear.onDown(why);
  }

  #send(parts: FrameParts): void {
    if (this.#why !== null) return;
    this.#out.push(encodeFrame(parts));
    if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (
        let next = this.#out.shift();
        next !== undefined;
        next = this.#out.shift()
      ) await this.#connection.writeAll(next);
    } catch (error) {
      this.kill(`its process cannot be told anything: ${messageOf(error)}`);
    } finally {
      this.#isWriting = false;
    }
  }

  async #read(): Promise<void> {
    const whose = this.#whose;
    const bounds = {
      calls: MAX_CALLS,
      get body() {
        return whose.owner.maxBytes() + BODY_ROOM;
      },
    };
    const reader = new FrameReader(bounds, this.#seal);
    const buffer = new Uint8Array(256 * 1024);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        reader.push(buffer.subarray(0, count), (frame) => this.#hear(frame));
      }
      await this.#left();
    } catch (error) {
      this.kill(`its process said what makes no sense: ${messageOf(error)}`);
    }
  }

  /** Its end of the socket is closed, mostly since it has ended: that says more. */
  async #left(): Promise<void> {
    using deadline = new Deadline(this.#options.clock, END_MS, "end");
    const { promise: over, resolve } = Promise.withResolvers<void>();
    deadline.signal.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([this.#child.exited, over]);
    this.kill("its process has left");
  }

  #hear({ kind, number, calls, body }: Frame): void {
    const ears = this.#ears.get(number);
    switch (kind) {
      case FROM_HOST.body:
        return ears?.onBody(body);
      case FROM_HOST.up:
        return this.#ups.get(number)?.(decoder.decode(body));
      case FROM_HOST.late:
        return ears?.onLate(calls.map(([id]) => id));
      case FROM_HOST.down:
        this.#ears.delete(number);
        return ears?.onDown(decoder.decode(body.subarray(0, MAX_WHY)));
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

function notLoaded(why: string): UsherError {
  return new UsherError("plugin_failed", `Cannot be loaded: ${why}`);
}
