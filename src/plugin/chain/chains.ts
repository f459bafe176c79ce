/**
 * Chains: each event's handlers in order, each given what the last one
 * returned.
 *
 * A chain waits for its own handlers and for nothing else, so a slow plugin
 * delays those alone that asked it. A handler that fails refuses where the
 * chain decides, and is passed over where it tells. Nothing of a plugin's is
 * trusted: what comes back is checked before the next one sees it.
 *
 * A handler may fire events in turn, also such that its own plugin hears: the
 * calls of a plugin run side by side, so nothing waits for itself. An event
 * that leads to itself is a circle, and ends with an error that names it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { type EventArgs, type EventName, EVENTS } from "../../schema/event.ts";
import type { TrailEntry } from "../../schema/operation.ts";
import type { RegistrationView } from "../../schema/plugin.ts";
import { isoTime } from "../../sys/clock.ts";
import { type Args, oddity } from "./answer.ts";
import {
  type Decided,
  type Events,
  type Firing,
  pathOf,
  type WaitingFor,
} from "../events.ts";
import { ChainRun } from "./chain_run.ts";
import type { Handler, HandlerParts } from "./handler.ts";
import { Lanes } from "./lanes.ts";
import { type EventRecorder, NO_RECORDER } from "./recorder.ts";
import type { LoadedPlugin, Registration } from "../runner.ts";
import { Versions } from "./versions.ts";

/** How many events may lead to one another. */
const MAX_FIRES = 8;

/** What chains are made with. */
export interface ChainsParts extends HandlerParts {
  readonly recorder?: EventRecorder;
  /** The versions of plugins that an operation began with. */
  readonly frozen?: (
    operation: string,
  ) => Readonly<Record<string, string>> | undefined;
  /** The versions that operations which have begun may still need. */
  readonly needed?: () => ReadonlySet<string>;
  /** A version that was used before, as it was then; null when it is gone. */
  readonly recall?: (
    plugin: string,
    hash: string,
  ) => Promise<LoadedPlugin | null>;
}

/** Runs the chains of the plugins that are registered. */
export class Chains implements Events, Disposable {
  readonly #parts: ChainsParts;
  readonly #recorder: EventRecorder;
  readonly #versions: Versions;
  readonly #lanes = new Lanes();
  readonly #waiting = new Map<string, WaitingFor>();

  constructor(parts: ChainsParts) {
    this.#parts = parts;
    this.#recorder = parts.recorder ?? NO_RECORDER;
    this.#versions = new Versions(parts);
  }

  /**
   * Takes these plugins instead of those before, all at once. Firings that
   * have begun end with the plugins they began with. Rejects with what the
   * runner says, and changes nothing then.
   */
  replace(plugins: readonly LoadedPlugin[]): Promise<void> {
    return this.#versions.replace(plugins);
  }

  /** The plugins that are registered now. */
  get plugins(): readonly LoadedPlugin[] {
    return this.#versions.current.plugins;
  }

  /**
   * Starts these plugins beside those that are registered, without calling
   * them; `replace` or `abandon` follows.
   */
  prepare(plugins: readonly LoadedPlugin[]): Promise<void> {
    return this.#versions.prepare(plugins);
  }

  /** Ends what was prepared. */
  abandon(): Promise<void> {
    return this.#versions.prepare([]);
  }

  /** The registrations of a plugin, and how their calls have gone. */
  views(plugin: string): RegistrationView[] {
    return this.#versions.current.of(plugin).map((handler) => handler.view());
  }

  /** Looks after older versions no more. */
  [Symbol.dispose](): void {
    this.#versions[Symbol.dispose]();
  }

  isHeard(event: string): boolean {
    return this.isRegistered(event) || this.#recorder.wants(event);
  }

  isRegistered(event: string): boolean {
    return this.#versions.current.chain(event).length > 0;
  }

  versions(events: readonly string[]): Readonly<Record<string, string>> {
    return this.#versions.current.versions(events);
  }

  missed(event: string, why: string): void {
    for (const { stats } of this.#versions.current.chain(event)) {
      stats.failed(why);
    }
  }

  passedOver({ id, event }: Pick<Registration, "id" | "event">): void {
    const at = isoTime(this.#parts.clock.now());
    this.#versions.current.chain(event)
      .find(({ registration }) => registration.id === id)
      ?.stats.passedOver(at);
  }

  waitingFor(decision: string): WaitingFor | null {
    return this.#waiting.get(decision) ?? null;
  }

  async decide<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<Decided<E>> {
    using chain = await this.#versions.begin(event, firing);
    const run = new ChainRun(event, args as Args, chain.handlers, firing);
    try {
      refuseGone(chain.gone);
      for (const handler of run.handlers) {
        if (run.goesOn(handler, this.#at)) continue;
        await this.#askOne(run, handler);
      }
    } finally {
      this.#record(run);
    }
    return {
      args: run.args as unknown as EventArgs<E>,
      trail: run.trail,
      plugins: run.plugins,
      shares: run.shares,
    };
  }

  async tell<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<readonly TrailEntry[]> {
    return await this.#tell(event, args as Args, firing);
  }

  async fire(event: string, args: Args, firing: Firing): Promise<void> {
    refuseCircle(event, firing);
    const odd = oddity(args, 0);
    if (odd !== null) {
      throw new UsherError(
        "invalid_input",
        `Cannot fire "${event}": what goes with it ${odd}`,
        { hint: "give JSON alone" },
      );
    }
    await this.#tell(event, args, firing);
  }

  async #tell(
    event: string,
    args: Args,
    firing: Firing,
  ): Promise<readonly TrailEntry[]> {
    using chain = await this.#versions.begin(event, firing);
    const run = new ChainRun(event, args, chain.handlers, firing);
    for (const plugin of chain.gone) run.isGone(plugin, this.#at());
    const tell = () => this.#tellAll(run);
    if (firing.lane === undefined || run.handlers.length === 0) await tell();
    else {
      const plugins = new Set(run.handlers.map(({ plugin }) => plugin));
      await this.#lanes.inTurn(firing.lane, plugins, tell);
    }
    this.#record(run);
    return run.trail;
  }

  async #tellAll(run: ChainRun): Promise<void> {
    const { clock } = this.#parts;
    for (const handler of run.handlers) {
      if (run.goesOn(handler, this.#at)) continue;
      const began = clock.monotonic();
      try {
        run.answered(handler, await handler.call(run.called()), this.#at);
      } catch (error) {
        // The handler has named itself in the log; the others hear it all the same.
        const tookMs = clock.monotonic() - began;
        run.passedOver(handler, error as UsherError, tookMs, this.#at);
      }
    }
  }

  async #askOne(run: ChainRun, handler: Handler): Promise<void> {
    const { decision, signal } = run.firing;
    const { plugin } = handler;
    const sinceMs = this.#parts.clock.monotonic();
    this.#waiting.set(decision, { plugin, event: run.event, sinceMs });
    try {
      const answered = await given(handler.call(run.called()), signal);
      run.answered(handler, answered, this.#at);
    } catch (error) {
      if (error instanceof UsherError) {
        run.failed(handler, { code: error.code, detail: error.message });
      }
      throw error;
    } finally {
      this.#waiting.delete(decision);
    }
  }

  readonly #at = (): string => isoTime(this.#parts.clock.now());

  #record(run: ChainRun): void {
    const { event, firing, first, answers, handlers } = run;
    const isSecret = Object.hasOwn(EVENTS, event) &&
      !EVENTS[event as EventName].recorded;
    if (isSecret || firing.isReplay === true) return;
    if (handlers.length === 0 && !this.#recorder.wants(event)) return;
    this.#recorder.record({
      at: this.#at(),
      event,
      decision: firing.decision,
      operation: firing.operation ?? null,
      depth: firing.depth ?? 0,
      args: [...first],
      answers,
    });
  }
}

/** `call`, or the reason of `signal` once that has aborted. */
async function given<T>(
  call: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await call;
  call.catch(() => {});
  signal.throwIfAborted();
  const { promise: never, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([call, never]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What was begun is not decided by halves of two policies. */
function refuseGone([plugin]: readonly string[]): void {
  if (plugin === undefined) return;
  throw new UsherError(
    "plugin_failed",
    `Cannot go on with what plugin "${plugin}" began to decide: that version of it is gone`,
    { subject: plugin, hint: "ask again, as a new request" },
  );
}

function refuseCircle(event: string, { decision }: Firing): void {
  const path = pathOf(decision);
  const isCircle = path.includes(event);
  if (!isCircle && path.length < MAX_FIRES) return;
  const way = [...path, event].map((name) => `"${name}"`).join(" fires ");
  throw new UsherError(
    "wrong_state",
    isCircle
      ? `Events fire one another in a circle: ${way}`
      : `More than ${MAX_FIRES} events fire one another: ${way}`,
    { subject: event, hint: "let a handler of one of them not fire the next" },
  );
}
