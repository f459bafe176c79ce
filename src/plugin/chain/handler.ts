/**
 * One registration in its place: its calls, what is counted of them, and its
 * circuit.
 *
 * Whatever goes wrong is the plugin's: it is counted, named in the log, and
 * comes back as `refused` or `plugin_failed`, never as anything else.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import { EVENTS, isEventName } from "../../schema/event.ts";
import type { RegistrationView } from "../../schema/plugin.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { type Args, takeAnswer } from "./answer.ts";
import {
  admit,
  type Circuit,
  circuitError,
  NEW_CIRCUIT,
  settle,
} from "./circuit.ts";
import { failedBy } from "../failure.ts";
import type { HandlerRunner, LoadedPlugin, Registration } from "../runner.ts";
import { withoutSecrets } from "./secret.ts";
import { CallStats } from "./stats.ts";

/** Of events that plugins declare. */
const DECLARED_MS = 30_000;

/** A runner ends a call a second after its deadline; one that does not is broken. */
const GRACE_MS = 5000;

/** From then on a call is slow enough to be named. */
export const SLOW_MS = 1000;

const NAME_SLOW_EVERY_MS = 60_000;

/** What calling needs. */
export interface HandlerParts {
  readonly runner: HandlerRunner;
  readonly clock: Clock;
  readonly log: Log;
}

/** One call, as its chain asks for it. */
export interface Called {
  readonly args: Args;
  /** Of the firing; the call's own is made from it. */
  readonly decision: string;
  readonly operation: string | null;
  readonly depth: number;
  readonly isReplay: boolean;
}

/** What a call came to. */
export interface Answered {
  /** What to go on with: what was given when the handler gave nothing. */
  readonly args: Args;
  /** What the handler gave back; null for nothing. */
  readonly given: Args | null;
  readonly tookMs: number;
}

/** A registration of a plugin that is read. */
export class Handler {
  readonly registration: Registration;
  /** The plugin's version. */
  readonly hash: string;
  /** Names it in decisions: the same after a reload and a restart. */
  readonly name: string;
  readonly stats: CallStats;
  readonly #parts: HandlerParts;
  #circuit: Circuit = NEW_CIRCUIT;
  #namedSlowAt = -Infinity;

  constructor(
    parts: HandlerParts,
    { registration, plugin, name, stats }: {
      readonly registration: Registration;
      readonly plugin: LoadedPlugin;
      readonly name: string;
      readonly stats: CallStats | undefined;
    },
  ) {
    this.#parts = parts;
    this.registration = registration;
    this.hash = plugin.snapshot.hash;
    this.name = name;
    this.stats = stats ?? new CallStats();
  }

  get plugin(): string {
    return this.registration.plugin;
  }

  /** Its place: lower ones first, those without one last, as they were registered. */
  static compare(a: Handler, b: Handler): number {
    const [first, second] = [a.registration, b.registration];
    const [left, right] = [first.order ?? Infinity, second.order ?? Infinity];
    return left === right ? first.id - second.id : left - right;
  }

  /** Calls it. Throws `refused` and `plugin_failed`, which name the plugin. */
  async call(called: Called): Promise<Answered> {
    const { clock } = this.#parts;
    const { plugin, event } = this.registration;
    const admission = admit(this.#circuit, clock.monotonic());
    this.#circuit = admission.circuit;
    if (!admission.isAdmitted) {
      throw circuitError(this.#circuit, { plugin, event }, {
        monotonicMs: clock.monotonic(),
        wallMs: clock.now(),
      });
    }
    const { round } = this.#circuit;
    const began = clock.monotonic();
    try {
      const given = await this.#ask(called);
      const args = given === null ? called.args : this.#take(called, given);
      this.#ended(began, round, null);
      return { args, given, tookMs: clock.monotonic() - began };
    } catch (error) {
      const failure = this.#failureOf(error, called.args);
      if (failure.code === "refused") this.stats.refused();
      const why = failure.code === "refused" ? null : failure.message;
      this.#ended(began, round, why);
      throw failure;
    }
  }

  /** As it is shown. */
  view(): RegistrationView {
    const { event, order, options } = this.registration;
    const circuit = this.#circuit.state;
    const its = { ...(options as object) };
    return { event, order, options: its, ...this.stats.view(), circuit };
  }

  async #ask(
    { args, decision, operation, depth, isReplay }: Called,
  ): Promise<Args | null> {
    const { runner, clock } = this.#parts;
    const { registration } = this;
    const { event, plugin } = registration;
    const deadlineMs = this.deadlineMs;
    const { promise: never, reject } = Promise.withResolvers<never>();
    using _guard = clock.after(
      deadlineMs + GRACE_MS,
      () => reject(failedBy(plugin, event, "its process does not answer")),
    );
    const call = runner.call({
      registration,
      event,
      args,
      decision: `${decision}/${event}/${this.name}`,
      operation,
      depth,
      isReplay,
      deadlineMs,
    });
    return (await Promise.race([call, never])).args;
  }

  /** How long a call may take. */
  get deadlineMs(): number {
    const { event, deadlineMs } = this.registration;
    return deadlineMs ??
      (isEventName(event) ? EVENTS[event].deadlineMs : DECLARED_MS);
  }

  #take({ args }: Called, given: Args): Args {
    const { plugin, event } = this.registration;
    const taken = takeAnswer(event, args, given);
    if (taken.problem === undefined) return taken.args;
    throw failedBy(plugin, event, taken.problem);
  }

  #failureOf(error: unknown, args: Args): UsherError {
    const isOurs = isUsherError(error, "refused") ||
      isUsherError(error, "plugin_failed");
    const { plugin, event } = this.registration;
    const failure = isOurs ? error : failedBy(plugin, event, messageOf(error));
    const isSecret = isEventName(event) && !EVENTS[event].recorded;
    return isSecret ? withoutSecrets(failure, args) : failure;
  }

  #ended(began: number, round: number, failure: string | null): void {
    const { clock, log } = this.#parts;
    const { plugin, event } = this.registration;
    const now = clock.monotonic();
    const tookMs = now - began;
    this.stats.ended(tookMs);
    if (failure !== null) this.stats.failed(failure);
    const before = this.#circuit.state;
    this.#circuit = settle(this.#circuit, round, failure, now);
    const { state } = this.#circuit;
    if (state === "open" && before !== "open") {
      const { reason } = this.#circuit;
      log.error("a handler is not asked any more for a while: it fails", {
        plugin,
        event,
        reason,
      });
    } else if (state === "closed" && before === "trying") {
      log.info("a handler is asked again: it does its work", { plugin, event });
    }
    if (tookMs < SLOW_MS || now - this.#namedSlowAt < NAME_SLOW_EVERY_MS) {
      return;
    }
    this.#namedSlowAt = now;
    log.warn("a handler is slow", { plugin, event, ms: Math.round(tookMs) });
  }
}
