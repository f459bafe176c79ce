/**
 * The QEMU Machine Protocol: commands with replies, and events in between
 * (QEMU documentation, interop/qmp-spec).
 *
 * ```ts ignore
 * const client = new QmpClient();
 * await client.open(() => connectUnix(path), AbortSignal.timeout(500));
 * const events = client.listen(["SHUTDOWN"]);
 * await client.execute("system_powerdown", {}, { deadlineMs: 1000 });
 * for await (const { event, data } of events) …
 * ```
 *
 * One socket serves one client: QEMU accepts the next one's connection and
 * never greets it, so `open` always needs a signal with a deadline. A reply
 * that does not come leaves the outcome unknown (`interrupted`); the session
 * goes on, and the late reply is dropped when it comes.
 *
 * @module
 */
import { isUsherError } from "../../../error/mod.ts";
import {
  commandError,
  interruptedError,
  protocolError,
  QmpRefusal,
} from "./error.ts";
import { EventQueue, type QmpEvent } from "./event_queue.ts";
import { type Message, Session } from "./session.ts";

/** When a command that gets no reply ends as `interrupted`. */
export interface ExecuteOptions {
  /** How long to wait for the reply. */
  readonly deadlineMs: number;
}

/** Commands that free a QEMU that is stuck, and so must not wait for it. */
const OUT_OF_BAND: ReadonlySet<string> = new Set(["yank", "query-yank"]);

interface PendingCall {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** A client of one monitor. */
export class QmpClient extends Session {
  readonly #pending = new Map<number, PendingCall>();
  readonly #queues = new Set<EventQueue>();
  #lastId = 0;
  #version = "";
  #isOver = false;
  /** QEMU answers some commands even while it is stuck. */
  #hasOob = false;

  /** QEMU's version, from its greeting: `7.2.22`. */
  get version(): string {
    return this.#version;
  }

  /** Sends a command and waits for what it returns. Throws `driver_failed` or `interrupted`. */
  execute(
    command: string,
    args: Message,
    { deadlineMs }: ExecuteOptions,
  ): Promise<unknown> {
    this.requireRunning(`execute ${command}`);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => this.#giveUp(id, deadlineMs), deadlineMs);
    this.#pending.set(id, { command, resolve, reject, timer });
    const goesAhead = this.#hasOob && OUT_OF_BAND.has(command);
    const verb = goesAhead ? "exec-oob" : "execute";
    this.send({ [verb]: command, arguments: args, id });
    return promise;
  }

  /** Events from now on, those with one of `names` only; none once the session is over. End it with `mute`. */
  listen(names?: readonly string[], limit?: number): EventQueue {
    const queue = new EventQueue(names, limit);
    // Else whoever listens to a QEMU that has just gone would wait for ever.
    if (this.#isOver) queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  /** Ends a queue. */
  mute(queue: EventQueue): void {
    this.#queues.delete(queue);
    queue.end();
  }

  protected override async establish(): Promise<void> {
    const greeting = await this.receive();
    this.#version = readVersion(greeting);
    this.#hasOob = offersOob(greeting);
    this.send({
      execute: "qmp_capabilities",
      ...(this.#hasOob ? { arguments: { enable: ["oob"] } } : {}),
    });
    for (;;) {
      const reply = await this.receive();
      if ("return" in reply) return;
      if ("error" in reply) {
        throw commandError("qmp_capabilities", readRefusal(reply));
      }
      // An event may come between; it is news of a time before this session.
    }
  }

  protected override onMessage(message: Message): void {
    if (typeof message["event"] === "string") return this.#takeEvent(message);
    const id = message["id"];
    if (typeof id !== "number") {
      // Only a request that QEMU could not read is answered without its id.
      throw "error" in message
        ? commandError("a message", readRefusal(message))
        : protocolError("a reply without an id");
    }
    const call = this.#take(id);
    if (call === undefined) return; // given up before
    if ("error" in message) {
      call.reject(commandError(call.command, readRefusal(message)));
    } else call.resolve(message["return"]);
  }

  protected override onEnd(cause: unknown): void {
    this.#isOver = true;
    for (const [id, { command }] of [...this.#pending]) {
      this.#take(id)?.reject(interruptedError(command, cause));
    }
    for (const queue of this.#queues) queue.end();
    this.#queues.clear();
  }

  #takeEvent({ event, data }: Message): void {
    const news: QmpEvent = {
      event: String(event),
      data: isObject(data) ? data : {},
    };
    for (const queue of this.#queues) queue.push(news);
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#pending.get(id);
    if (call === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(call.timer);
    return call;
  }

  #giveUp(id: number, deadlineMs: number): void {
    const call = this.#take(id);
    call?.reject(
      interruptedError(
        call.command,
        new Error(`QEMU did not answer within ${deadlineMs} ms`),
      ),
    );
  }
}

/** QEMU's own refusal in an error of `execute`, or null when it was no refusal. */
export function refusalOf(error: unknown): QmpRefusal | null {
  return isUsherError(error, "driver_failed") &&
      error.cause instanceof QmpRefusal
    ? error.cause
    : null;
}

function readVersion(greeting: Message): string {
  const qmp = greeting["QMP"];
  const qemu = isObject(qmp) && isObject(qmp["version"])
    ? qmp["version"]["qemu"]
    : undefined;
  if (!isObject(qemu)) {
    throw protocolError("its first message is no QMP greeting");
  }
  return `${qemu["major"]}.${qemu["minor"]}.${qemu["micro"]}`;
}

function offersOob(greeting: Message): boolean {
  const qmp = greeting["QMP"];
  const offered = isObject(qmp) ? qmp["capabilities"] : undefined;
  return Array.isArray(offered) && offered.includes("oob");
}

function readRefusal({ error }: Message): QmpRefusal {
  if (!isObject(error)) {
    return new QmpRefusal("GenericError", "no reason given");
  }
  return new QmpRefusal(String(error["class"]), String(error["desc"]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
