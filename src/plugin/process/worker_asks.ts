/**
 * What the handlers of one worker ask, answered in the name of the calls that
 * they have.
 *
 * Who asks, and about which operation, is what the controller knows of the
 * call; the worker only names it. A call that has ended asks nothing more.
 *
 * @module
 */
import { toProblem, UsherError } from "../../error/mod.ts";
import { answerAsk, askingOf, callIsOver } from "../ask_check.ts";
import type { AskAnswerer } from "../asks.ts";
import type { RateGate } from "./rate_gate.ts";
import type { Pending } from "./worker_calls.ts";

/** What one handler may ask at the same time. */
const MAX_ASKS = 1000;

/** Who asks, where it is counted, and the way back. */
export interface AsksOptions {
  readonly plugin: string;
  readonly gate: RateGate;
  /** Sends a part of a body; nothing happens where the worker is no more. */
  reply(part: string): void;
}

/** Answers asks of one worker. */
export class WorkerAsks {
  readonly #answerer: AskAnswerer;
  readonly #options: AsksOptions;

  constructor(answerer: AskAnswerer, options: AsksOptions) {
    this.#answerer = answerer;
    this.#options = options;
  }

  /** `pending`: the call that it names, if there is one. */
  take(
    ask: number,
    pending: Pending | undefined,
    name: string,
    params: unknown,
  ): void {
    const { plugin, gate } = this.#options;
    // Counted with the lines, so that a flood is seen; its pace is kept by the
    // worker, and by who answers.
    gate.passes();
    if (pending === undefined) {
      return this.#deny(ask, callIsOver(plugin, name));
    }
    if (pending.asks >= MAX_ASKS) {
      const why = `"${name}" is asked too often`;
      const error = new UsherError("too_many_requests", why, {
        subject: plugin,
      });
      return this.#deny(ask, error);
    }
    pending.asks++;
    void answerAsk(this.#answerer, name, params, askingOf(pending.call)).then(
      (answer) =>
        this.#options.reply(
          `["asked",${ask},${JSON.stringify(answer) ?? "null"}]`,
        ),
    ).catch((error) => this.#deny(ask, error))
      .finally(() => pending.asks--);
  }

  #deny(ask: number, error: unknown): void {
    this.#options.reply(JSON.stringify(["denied", ask, toProblem(error)]));
  }
}
