/**
 * Runs handlers in this very process, from modules that were imported before:
 * for simulations, where a seed decides everything, and for tests.
 *
 * It holds nobody off: a handler that never yields stops the process. What
 * goes in and out is copied as JSON all the same, so that a handler behaves
 * here as it does behind a border.
 *
 * @module
 */
import { fromProblem, messageOf, toProblem, UsherError } from "../error/mod.ts";
import { Deadline } from "../sys/clock.ts";
import { answerAsk, askingOf, callIsOver } from "./ask_check.ts";
import { boundedLine, failedBy, lateBy, refusedBy } from "./failure.ts";
import { type ContextPorts, makeContext } from "./handler_context.ts";
import {
  Instance,
  type Outcome,
  type PluginModule,
} from "./process/instance.ts";
import type {
  HandlerCall,
  HandlerResult,
  HandlerRunner,
  LoadedPlugin,
  Registration,
  RunnerPorts,
  RunnerStatus,
} from "./runner.ts";

/** Runs handlers in this process. */
export class LocalRunner implements HandlerRunner {
  readonly #ports: RunnerPorts;
  readonly #modules: ReadonlyMap<string, PluginModule>;
  readonly #status = new Map<string, RunnerStatus>();
  readonly #instances = new Map<Registration, Instance>();
  /** Aborts all that is still called. */
  readonly #over = new AbortController();

  /** `modules`: by the name of the plugin, as `import()` gives them. */
  constructor(
    ports: RunnerPorts,
    modules: Readonly<Record<string, PluginModule>>,
  ) {
    this.#ports = ports;
    this.#modules = new Map(Object.entries(modules));
  }

  use(plugins: readonly LoadedPlugin[]): Promise<void> {
    const kept = new Map(this.#instances);
    this.#instances.clear();
    this.#status.clear();
    for (const plugin of plugins) this.#takeUp(plugin, kept);
    return Promise.resolve();
  }

  #takeUp(
    plugin: LoadedPlugin,
    kept: ReadonlyMap<Registration, Instance>,
  ): void {
    const { name, registrations } = plugin;
    try {
      const module = this.#modules.get(name);
      if (module === undefined) {
        throw new UsherError("not_found", `No module is there for "${name}"`);
      }
      for (const registration of registrations) {
        const { event, order, options } = registration;
        this.#instances.set(
          registration,
          kept.get(registration) ??
            new Instance(module, { event, order }, options),
        );
      }
      this.#tell(name, statusOf("running", ""));
    } catch (error) {
      this.#tell(name, statusOf("failed", messageOf(error)));
    }
  }

  /** The newest version comes first, and status is its. */
  #tell(name: string, status: RunnerStatus): void {
    if (!this.#status.has(name)) this.#status.set(name, status);
  }

  async call(call: HandlerCall): Promise<HandlerResult> {
    const { plugin } = call.registration;
    const instance = this.#find(call.registration);
    if (instance === undefined) {
      const why = this.#status.get(plugin)?.reason || "it is not loaded";
      throw failedBy(plugin, call.event, why);
    }
    const { clock } = this.#ports;
    const began = clock.monotonic();
    using deadline = new Deadline(
      clock,
      call.deadlineMs,
      "answer",
      this.#over.signal,
    );
    const outcome = await this.#race(instance, call, deadline.signal);
    const tookMs = clock.monotonic() - began;
    return { args: argsOf(outcome, call), tookMs };
  }

  #find(registration: Registration): Instance | undefined {
    const own = this.#instances.get(registration);
    if (own !== undefined) return own;
    for (const [{ plugin, id }, instance] of this.#instances) {
      if (plugin === registration.plugin && id === registration.id) {
        return instance;
      }
    }
    return undefined;
  }

  async #race(
    instance: Instance,
    call: HandlerCall,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const stop = () =>
      reject(
        this.#over.signal.aborted
          ? failedBy(call.registration.plugin, call.event, "usher ends")
          : lateBy(call.registration.plugin, call.event, call.deadlineMs),
      );
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const ended = { yet: false };
    try {
      const context = makeContext(
        {
          event: call.event,
          options: instance.options,
          site: this.#ports.site(),
          decision: call.decision,
          operation: call.operation,
          isReplay: call.isReplay,
        },
        this.#portsOf(call, signal, ended),
      );
      return await Promise.race([
        instance.call(copy(call.args) as unknown[], context),
        over,
      ]);
    } finally {
      ended.yet = true;
      signal.removeEventListener("abort", stop);
    }
  }

  #portsOf(
    call: HandlerCall,
    signal: AbortSignal,
    ended: { readonly yet: boolean },
  ): ContextPorts {
    const { plugin } = call.registration;
    return {
      ask: async (name, params) => {
        if (ended.yet) throw callIsOver(plugin, name);
        try {
          const asked = copy(params);
          const answerer = this.#ports.answerer;
          return copy(
            await answerAsk(answerer, name, asked, askingOf(call)),
          );
        } catch (error) {
          // Codes cross a border; classes and causes do not.
          throw fromProblem(toProblem(error));
        }
      },
      log: (level, text, fields = {}) =>
        this.#ports.heard(boundedLine({
          plugin,
          level,
          event: call.event,
          text,
          fields: copy(fields) as Record<string, unknown>,
        })),
      signal: () => signal,
    };
  }

  status(plugin: string): RunnerStatus | null {
    return this.#status.get(plugin) ?? null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new DOMException("Usher ends", "AbortError"));
    this.#instances.clear();
    this.#status.clear();
    return Promise.resolve();
  }
}

/** A handler's outcome as a call's. Throws for a refusal and a failure. */
function argsOf(
  outcome: Outcome,
  { registration: { plugin }, event }: HandlerCall,
): readonly unknown[] | null {
  switch (outcome.kind) {
    case "done":
      return outcome.args === null ? null : JSON.parse(outcome.args);
    case "refused":
      throw refusedBy(plugin, outcome.reason, outcome.hint);
    case "threw":
      throw failedBy(plugin, event, outcome.text);
  }
}

function statusOf(
  state: RunnerStatus["state"],
  reason: string,
): RunnerStatus {
  return {
    state,
    reason,
    pid: null,
    memoryMiB: null,
    heldByKernel: [],
    restarts: 0,
  };
}

function copy(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
