/**
 * The worker that a plugin runs in: it connects to the controller, loads the
 * plugin's snapshot, calls its handlers, and carries what they ask to the
 * controller and back.
 *
 * It is the plugin's own realm, so whatever it says may be the plugin's word:
 * who hears it checks all of it.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { fromProblem, UsherError } from "../error/mod.ts";
import { connectUnix } from "../sys/unix_socket.ts";
import { makeContext } from "./handler_context.ts";
import { sealOf } from "./process/frame.ts";
import { FrameLine } from "./process/frame_line.ts";
import { GuestOutbox } from "./process/guest_outbox.ts";
import {
  describeError,
  Instance,
  type Outcome,
  type PluginModule,
} from "./process/instance.ts";
import {
  BODY,
  type GuestSign,
  type HostSign,
  type Lent,
  type LineInvitation,
  type ToGuest,
  type WorkerSpec,
} from "./process/protocol.ts";
import { lockDown } from "./process/lockdown.ts";
import { type GuestReport, loadProblem, readModule } from "./files/report.ts";

type Call = Extract<ToGuest, readonly ["call", ...unknown[]]>;

const MAX_TEXT = 8192;
/** So many seconds an ask that comes too fast waits before it is refused. */
const MAX_WAITS = 2;
/** From the controller: a value may hold a whole site. */
const MAX_BODY = 1024 * 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
// What the plugin may replace, as it was before.
const postMessage = self.postMessage.bind(self);
const setTimer = setTimeout;
const stopTimer = clearTimeout;
const { parse, stringify } = JSON;

function post(sign: GuestSign): void {
  postMessage(sign);
}

/** The plugin, loaded and at work. */
class Guest {
  readonly #spec: WorkerSpec;
  readonly #instances: readonly Instance[];
  readonly #outbox: GuestOutbox;
  readonly #asks = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  constructor(
    spec: WorkerSpec,
    instances: readonly Instance[],
    outbox: GuestOutbox,
  ) {
    this.#spec = spec;
    this.#instances = instances;
    this.#outbox = outbox;
  }

  take(parts: readonly ToGuest[]): void {
    for (const part of parts) {
      switch (part[0]) {
        case "call":
          void this.#call(part);
          break;
        case "asked":
          this.#answer(part[1])?.resolve(part[2]);
          break;
        case "denied":
          this.#answer(part[1])?.reject(fromProblem(part[2]));
          break;
      }
    }
  }

  #answer(ask: number): PromiseWithResolvers<unknown> | undefined {
    const waiting = this.#asks.get(ask);
    this.#asks.delete(ask);
    return waiting;
  }

  async #call(
    [, id, index, event, args, decision, operation, isReplay, ms]: Call,
  ): Promise<void> {
    const instance = this.#instances[index];
    if (instance === undefined) return;
    const deadline = new LazyDeadline(ms);
    const context = makeContext({
      event,
      options: instance.options,
      site: this.#spec.site,
      decision,
      operation,
      isReplay,
    }, {
      ask: (name, params) => this.#ask(id, name, params),
      log: (level, text, fields = {}) =>
        log(this.#outbox, id, level, text, fields),
      signal: () => deadline.signal,
    });
    const outcome = await instance.call(args as unknown[], context);
    deadline.end();
    this.#end(id, outcome);
  }

  #end(id: number, outcome: Outcome): void {
    this.#outbox.put(this.#told(id, outcome));
  }

  #told(id: number, outcome: Outcome): string {
    switch (outcome.kind) {
      case "done": {
        const args = outcome.args ?? "null";
        const size = this.#sizeOf(args);
        if (size <= this.#spec.maxBytes) return `["done",${id},${args}]`;
        return this.#told(id, {
          kind: "threw",
          text: `it gave back ${inMiB(size)} MiB, and ${
            inMiB(this.#spec.maxBytes)
          } MiB is the most`,
        });
      }
      case "refused": {
        const { reason, hint } = outcome;
        return stringify(["refused", id, cut(reason), hint && cut(hint)]);
      }
      case "threw":
        return stringify(["threw", id, cut(outcome.text)]);
    }
  }

  /** In bytes; only what may be too long is encoded to be measured. */
  #sizeOf(text: string): number {
    return text.length * 3 <= this.#spec.maxBytes
      ? text.length
      : encoder.encode(text).length;
  }

  async #ask(call: number, name: string, params: unknown): Promise<unknown> {
    for (let waits = 0; !this.#outbox.passes(); waits++) {
      if (waits === MAX_WAITS) {
        throw new UsherError(
          "too_many_requests",
          `"${name}" is asked too often`,
          { hint: "ask less often, or raise limits.rate" },
        );
      }
      await this.#outbox.nextSecond();
    }
    const ask = ++this.#asked;
    const part = stringify(["ask", ask, call, name, params ?? null]);
    const size = this.#sizeOf(part);
    if (size > this.#spec.maxBytes) {
      throw new RangeError(`"${name}" would be asked with ${inMiB(size)} MiB`);
    }
    const answer = Promise.withResolvers<unknown>();
    this.#asks.set(ask, answer);
    this.#outbox.put(part);
    return await answer.promise;
  }
}

/** A signal and a timer for those handlers alone that look at it. */
class LazyDeadline {
  readonly #until: number;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimer> | undefined;

  constructor(ms: number) {
    this.#until = performance.now() + ms;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      this.#timer = setTimer(
        () =>
          controller.abort(
            new DOMException(
              "The deadline of the call is over",
              "TimeoutError",
            ),
          ),
        Math.max(0, this.#until - performance.now()),
      );
    }
    return this.#controller.signal;
  }

  end(): void {
    if (this.#timer !== undefined) stopTimer(this.#timer);
  }
}

function log(
  outbox: GuestOutbox,
  call: number | null,
  level: string,
  text: unknown,
  fields: unknown = {},
): void {
  if (!outbox.passes()) return;
  outbox.put(stringify(["log", call, level, cut(String(text)), plain(fields)]));
}

/** Fields of a line as JSON that is not long; what they are otherwise is said instead. */
function plain(fields: unknown): unknown {
  try {
    const text = stringify(fields) ?? "{}";
    const isRecord = text.startsWith("{");
    return isRecord && text.length <= MAX_TEXT ? parse(text) : { cut: true };
  } catch {
    return { cut: true };
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

function inMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** Errors that no call is waiting for are said, and the plugin goes on. */
function hearStrayErrors(outbox: GuestOutbox): void {
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log(outbox, null, "error", `Unhandled: ${describeError(event.reason)}`);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    log(outbox, null, "error", `Unhandled: ${describeError(event.error)}`);
  });
}

/**
 * Connects to the controller, and gives back what it was lent for that: the
 * plugin is not there yet.
 */
async function joinLine(
  { socket, secret }: LineInvitation,
  lent: readonly Lent[],
): Promise<FrameLine> {
  const connection = await connectUnix(socket);
  for (const one of lent) Deno.permissions.revokeSync(one);
  await connection.writeAll(encoder.encode(`${secret}\n`));
  return new FrameLine({
    connection,
    seals: { own: sealOf(secret) },
    maxBody: () => MAX_BODY,
    onBroken: () => {}, // the controller has let go of it, and ends it
  });
}

async function load(
  spec: WorkerSpec,
  outbox: GuestOutbox,
): Promise<{ report: GuestReport; guest: Guest | null }> {
  outbox.limit(spec.rate);
  lockDown(self, {
    kinds: spec.kinds,
    write: (level, text) => log(outbox, null, level, text),
  });
  // Not by a static import, which would be made with the permissions of the process.
  const module: PluginModule = await import(spec.entry);
  if (spec.isRead) {
    return {
      report: { read: readModule(module, spec.registrations) },
      guest: null,
    };
  }
  const instances = spec.registrations.map(({ event, order, options }) =>
    new Instance(module, { event, order }, options)
  );
  return { report: { runs: true }, guest: new Guest(spec, instances, outbox) };
}

/** From the first sign on; what goes wrong before the plugin is loaded is told. */
async function begin(
  { start: { spec, line: invitation }, lent }: Extract<
    HostSign,
    { readonly start: unknown }
  >,
): Promise<void> {
  try {
    const line = await joinLine(invitation, lent);
    const outbox = new GuestOutbox((text) =>
      line.send({ kind: BODY, number: 0, text })
    );
    hearStrayErrors(outbox);
    const { report, guest } = await load(spec, outbox);
    void line.read(({ body }) => guest?.take(parse(decoder.decode(body))))
      .catch(() => {}); // the controller has let go of it, and ends it
    post({ up: stringify(report) });
  } catch (error) {
    post({
      up: stringify({ problem: loadProblem(error) } satisfies GuestReport),
    });
  }
}

self.addEventListener("message", ({ data }: MessageEvent<HostSign>) => {
  if ("ping" in data) post({ pong: data.ping });
  else void begin(data);
});
