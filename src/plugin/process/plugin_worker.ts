/**
 * One plugin at work: its worker, started and started anew, the calls that it
 * has, and what its handlers ask.
 *
 * ```
 * starting ──it has loaded──▶ running ──it ended──▶ starting, after a while
 *     └───────────it does not load, or has ended too often──▶ failed
 * ```
 *
 * A call waits for a worker as long as its own deadline lasts, unless the
 * next start is far off. What a worker says is believed for calls that it was
 * given and that have not ended, and for nothing else.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { boundedLine, failedBy, plainText, refusedBy } from "../failure.ts";
import { problemText } from "../files/report.ts";
import type { HostKeeper, Tenant } from "./host_keeper.ts";
import type { StartedWorker } from "./host_process.ts";
import { readBody } from "./body.ts";
import { type FromGuest, textOf, type WorkerSpec } from "./protocol.ts";
import { RateGate } from "./rate_gate.ts";
import type {
  HandlerCall,
  HandlerResult,
  RunnerPorts,
  RunnerStatus,
} from "../runner.ts";
import type { StartTurns } from "./start_turns.ts";
import { afterEnd, type Ends } from "./supervision.ts";
import { WorkerAsks } from "./worker_asks.ts";
import { type Pending, WorkerCalls } from "./worker_calls.ts";

const FLOODS = "it says and asks ten times as much as its limits.rate";
/** How often calls are looked at that should have ended. */
const LOOK_MS = 50;
const GIVEN_UP =
  "it has ended too often, and is started again when plugins are reloaded";
const MORE_LINES =
  "it says and asks more than its limits.rate: the rest of this second is dropped";
/** A start that is farther off is not waited for. */
const WORTH_WAITING_MS = 1000;

/** All that a plugin's worker is made of. */
export interface WorkerOptions {
  readonly ports: RunnerPorts;
  readonly keeper: HostKeeper;
  readonly tenant: Tenant;
  readonly turns: StartTurns;
  /** As it is at a start. */
  spec(): WorkerSpec;
}

/** A plugin at work, from `start` to its end. */
export class PluginWorker {
  /** Resolves when it runs, or has failed to, for the first time. */
  readonly started: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #calls = new WorkerCalls();
  readonly #over = new AbortController();
  readonly #life: Promise<void>;
  readonly #gate: RateGate;
  readonly #asks: WorkerAsks;
  readonly #announce: () => void;
  #worker: StartedWorker | null = null;
  #down: ((why: string) => void) | null = null;
  #state: RunnerStatus["state"] = "starting";
  #reason = "";
  #restarts = 0;
  #isFlushDue = false;
  #look: Disposable | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#announce = resolve;
    const { ports, keeper, tenant } = options;
    this.#gate = new RateGate(ports.clock, tenant.limits.rate);
    this.#asks = new WorkerAsks(ports.answerer, {
      plugin: tenant.plugin,
      gate: this.#gate,
      reply: (part) => this.#worker?.send(textOf([part])),
    });
    keeper.enter(tenant);
    this.#life = this.#live();
  }

  /** How many calls have not ended. */
  get calls(): number {
    return this.#calls.size;
  }

  /** What it has to do: its calls, and while it starts what the plugin does as it loads. */
  get load(): number {
    return this.calls + (this.#state === "starting" ? 1 : 0);
  }

  get status(): Omit<RunnerStatus, "memoryMiB" | "heldByKernel"> {
    return {
      state: this.#state,
      reason: this.#reason,
      pid: this.#options.keeper.host?.id.pid ?? null,
      restarts: this.#restarts,
    };
  }

  /** Calls its handler for its registration with this index. */
  call(call: HandlerCall, index: number): Promise<HandlerResult> {
    const { plugin } = call.registration;
    if (this.#over.signal.aborted) {
      return Promise.reject(failedBy(plugin, call.event, "it is let go"));
    }
    if (this.#state === "failed") {
      return Promise.reject(failedBy(plugin, call.event, this.#reason));
    }
    const answer = this.#calls.add(call, index, this.#now());
    this.#flushSoon();
    this.#lookLater();
    return answer;
  }

  /** Ends it; calls that have not ended fail. */
  async end(): Promise<void> {
    if (!this.#over.signal.aborted) {
      this.#over.abort(new DOMException("Let go", "AbortError"));
      this.#endLife("it is let go");
    }
    await this.#life;
  }

  async #live(): Promise<void> {
    let ends: Ends = [];
    while (!this.#isOver()) {
      const end = await this.#liveOnce();
      this.#calls.takeBack(end.why);
      if (this.#isOver()) break;
      this.#say("error", `it ended: ${end.why}`);
      const next = afterEnd(ends, this.#now());
      ends = next.ends;
      if (end.isFinal || next.waitMs === null) {
        this.#fail(end.isFinal ? end.why : `${end.why}; ${GIVEN_UP}`);
        break;
      }
      await this.#rest(end.why, next.waitMs);
    }
    this.#calls.failWaiting(this.#reason || "it is let go");
    this.#look?.[Symbol.dispose]();
    this.#announce();
    await this.#options.keeper.leave(this.#options.tenant);
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #fail(why: string): void {
    this.#state = "failed";
    this.#reason = why;
  }

  async #rest(why: string, waitMs: number): Promise<void> {
    this.#restarts++;
    this.#state = waitMs > WORTH_WAITING_MS ? "failed" : "starting";
    this.#reason = why;
    if (this.#state === "failed") this.#calls.failWaiting(why);
    this.#announce();
    await this.#options.ports.clock.sleep(waitMs, this.#over.signal)
      .catch(() => {});
    if (!this.#isOver()) this.#state = "starting";
  }

  /** From a start to the end; why it ended, and whether it would again. */
  async #liveOnce(): Promise<{ why: string; isFinal: boolean }> {
    const { promise: down, resolve } = Promise.withResolvers<string>();
    this.#down = resolve;
    try {
      const worker = await this.#start(resolve);
      if (!("runs" in worker.report)) {
        worker.stop();
        const why = "problem" in worker.report
          ? problemText(worker.report.problem)
          : "it was only read";
        return { why: plainText(why), isFinal: true };
      }
      this.#worker = worker;
      this.#state = "running";
      this.#reason = "";
      this.#announce();
      this.#flush();
      return { why: plainText(await down), isFinal: false };
    } catch (error) {
      return { why: plainText(messageOf(error)), isFinal: false };
    } finally {
      this.#worker?.stop();
      this.#worker = null;
      this.#down = null;
    }
  }

  async #start(onDown: (why: string) => void): Promise<StartedWorker> {
    const { keeper, tenant, turns } = this.#options;
    using _turn = await turns.take();
    this.#over.signal.throwIfAborted();
    const host = await keeper.get();
    return await host.startWorker(
      this.#options.spec(),
      {
        onBody: (body) => this.#hear(body),
        onDown,
      },
      tenant.limits.start,
      this.#over.signal,
    );
  }

  #endLife(why: string): void {
    this.#down?.(why);
  }

  #now(): number {
    return this.#options.ports.clock.monotonic();
  }

  /** Calls that are made in one turn travel together. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#worker === null) return;
    const calls = this.#calls.takeWaiting();
    if (calls.length === 0) return;
    this.#worker.send(textOf(calls.map(partOf)));
  }

  #lookLater(): void {
    if (this.#look !== undefined || this.#calls.size === 0) return;
    this.#look = this.#options.ports.clock.after(LOOK_MS, () => {
      this.#look = undefined;
      if (this.#calls.endOverdue(this.#now())) {
        this.#worker?.doubt();
        this.#options.keeper.host?.suspect();
      }
      this.#lookLater();
    });
  }

  #hear(body: Uint8Array): void {
    let parts: FromGuest[];
    try {
      parts = readBody(body);
    } catch {
      return this.#endLife("it sent what is no message");
    }
    for (const part of parts) {
      this.#take(part);
      // A worker of usher's own making keeps to its rate.
      if (this.#gate.isFlood) return this.#endLife(FLOODS);
    }
  }

  #take(part: FromGuest): void {
    switch (part[0]) {
      case "done": {
        const pending = this.#calls.end(part[1]);
        const tookMs = this.#now() - (pending?.beganMs ?? 0);
        return pending?.resolve({ args: part[2], tookMs });
      }
      case "refused": {
        const pending = this.#calls.end(part[1]);
        return pending?.reject(refusedBy(this.#name, part[2], part[3]));
      }
      case "threw": {
        const pending = this.#calls.end(part[1]);
        return pending?.reject(
          failedBy(this.#name, pending.call.event, part[2]),
        );
      }
      case "ask": {
        const [, ask, call, name, params] = part;
        return this.#asks.take(ask, this.#calls.sent(call), name, params);
      }
      case "log":
        return this.#log(part[1], part[2], part[3], part[4]);
    }
  }

  get #name(): string {
    return this.#options.tenant.plugin;
  }

  #log(
    call: number | null,
    level: "debug" | "info" | "warn" | "error",
    text: string,
    fields: Record<string, unknown>,
  ): void {
    if (!this.#gate.passes()) {
      if (this.#gate.isFirstOver) this.#say("warn", MORE_LINES);
      return;
    }
    const event = call === null ? null : this.#calls.sent(call)?.call.event;
    this.#options.ports.heard(boundedLine({
      plugin: this.#name,
      level,
      event: event ?? null,
      text,
      fields,
    }));
  }

  #say(level: "warn" | "error", text: string): void {
    this.#options.ports.heard({
      plugin: this.#name,
      level,
      event: null,
      text,
      fields: {},
    });
  }
}

function partOf({ id, index, call }: Pending): string {
  const { event, args, decision, operation, isReplay, deadlineMs } = call;
  return JSON.stringify([
    "call",
    id,
    index,
    event,
    args,
    decision,
    operation,
    isReplay,
    deadlineMs,
  ]);
}
