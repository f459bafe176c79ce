/**
 * One firing on its way through its handlers: what the next one is given, and
 * what is noted of each.
 *
 * What a handler answered before a crash is taken as if it had just answered,
 * so what comes of a chain is the same whether or not its controller lived.
 *
 * @module
 */
import type { UsherError } from "../../error/mod.ts";
import { type EventName, EVENTS } from "../../schema/event.ts";
import type { TrailEntry } from "../../schema/operation.ts";
import type { ErrorCode } from "../../schema/problem.ts";
import type { RecordedAnswer } from "../../schema/recorded_event.ts";
import type { KeptAnswer } from "../../schema/stored.ts";
import { type Args, takeAnswer } from "./answer.ts";
import { differences } from "./difference.ts";
import { edited, editOf } from "./edit.ts";
import type { Firing, Share } from "../events.ts";
import { type Answered, type Handler, SLOW_MS } from "./handler.ts";

/** Now, ISO 8601; made only where something is to be told. */
type Now = () => string;

/** One firing on its way through its handlers. */
export class ChainRun {
  readonly trail: TrailEntry[] = [];
  readonly plugins: Record<string, string> = {};
  readonly answers: RecordedAnswer[] = [];
  readonly shares: Share[] = [];
  args: Args;

  constructor(
    readonly event: string,
    readonly first: Args,
    readonly handlers: readonly Handler[],
    readonly firing: Firing,
  ) {
    this.args = first;
  }

  /** What the next handler is called with. */
  called() {
    const { decision, operation = null, depth = 0, isReplay = false } =
      this.firing;
    return { args: this.args, decision, operation, depth, isReplay };
  }

  /** Goes on with what a handler answered before a crash; false when it is to be called. */
  goesOn(handler: Handler, at: Now): boolean {
    const kept = this.firing.answers?.of(this.event, handler.name);
    if (kept === undefined) return false;
    const { edits, problem, tookMs } = kept;
    const before = this.args;
    const given = edits === null ? null : edited(before, edits);
    const taken = takeAnswer(this.event, before, given ?? before);
    // It may not fit what is meanwhile: then the handler is asked anew.
    if (taken.problem !== undefined) return false;
    if (problem !== null) {
      this.failed(handler, problem);
      this.#sayLate(handler, tookMs, "failed at", at);
    } else this.#take(handler, { args: taken.args, given, tookMs }, at);
    return true;
  }

  /** Takes what a handler answered, and keeps it. */
  answered(handler: Handler, answered: Answered, at: Now): void {
    const { given, args, tookMs } = answered;
    this.#keep(handler, {
      edits: given === null ? null : editOf(this.args, args),
      problem: null,
      tookMs,
    });
    this.#take(handler, answered, at);
  }

  /** Takes that a handler failed where the others hear of it all the same. */
  passedOver(
    handler: Handler,
    { code, message: detail }: UsherError,
    tookMs: number,
    at: Now,
  ): void {
    this.#keep(handler, { edits: null, problem: { code, detail }, tookMs });
    this.failed(handler, { code, detail });
    this.#sayLate(handler, tookMs, "failed at", at);
  }

  /** Notes that the version of a plugin is gone which should have heard this. */
  isGone(plugin: string, at: string): void {
    const text =
      `is not told of ${this.event}: the version that this began with is gone`;
    this.trail.push({ at, source: `plugin ${plugin}`, text });
  }

  #keep(
    { name, hash }: Handler,
    kept: Pick<KeptAnswer, "edits" | "problem" | "tookMs">,
  ): void {
    const { event } = this;
    this.firing.answers?.keep({ event, handler: name, hash, ...kept });
  }

  #take(
    handler: Handler,
    { args, given, tookMs }: Answered,
    at: Now,
  ): void {
    const { plugin, hash } = handler;
    const source = `plugin ${plugin}`;
    const changed = this.#changes(args);
    this.shares.push({ plugin, changed });
    for (const text of changed) this.trail.push({ at: at(), source, text });
    this.#sayLate(handler, tookMs, "took", at);
    this.plugins[plugin] = hash;
    this.answers.push({
      plugin,
      hash,
      args: given === null ? null : [...given],
      problem: null,
    });
    this.args = args;
  }

  #sayLate(
    { plugin }: Handler,
    tookMs: number,
    what: "took" | "failed at",
    at: Now,
  ): void {
    if (tookMs < SLOW_MS) return;
    const seconds = `${(tookMs / 1000).toFixed(1)} s`;
    const text = what === "took"
      ? `took ${seconds} for ${this.event}`
      : `failed at ${this.event} after ${seconds}`;
    this.trail.push({ at: at(), source: `plugin ${plugin}`, text });
  }

  /** Of what carries secrets nothing is told. */
  #changes(args: Args): string[] {
    if (args === this.args || !Object.hasOwn(EVENTS, this.event)) return [];
    const { recorded, class: its } = EVENTS[this.event as EventName];
    return recorded && its === "decides" ? differences(this.args, args) : [];
  }

  /** Notes that a handler failed. */
  failed(
    { plugin, hash }: Handler,
    problem: { readonly code: ErrorCode; readonly detail: string },
  ): void {
    this.answers.push({ plugin, hash, args: null, problem });
  }
}
