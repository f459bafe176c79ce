/**
 * One tick of a registration's clock at a time: while its chain runs, the next
 * one is passed over.
 *
 * @module
 */
import type { Events } from "../../plugin/events.ts";
import type { Registration } from "../../plugin/runner.ts";
import type { CtrlContext } from "../context.ts";

/** A registration whose chain is always late is named in the log so often at most. */
const SAY_MS = 60_000;

/** Runs chains of clocks. */
export class Ticker {
  readonly #context: CtrlContext;
  readonly #events: Pick<Events, "tell" | "passedOver">;
  readonly #running = new Set<string>();
  /** By lane: when it was last said that it is late. */
  readonly #saidAt = new Map<string, number>();

  constructor(
    context: CtrlContext,
    events: Pick<Events, "tell" | "passedOver">,
  ) {
    this.#context = context;
    this.#events = events;
  }

  /** Runs the chain of one registration to its end; false when it still runs. */
  async tick(
    registration: Registration,
    decision: string,
  ): Promise<boolean> {
    // By what it is, since a reload gives it another number.
    const lane = decision.slice(0, decision.lastIndexOf("/"));
    if (this.#running.has(lane)) {
      this.#skip(lane, registration);
      return false;
    }
    const { id, event } = registration;
    this.#running.add(lane);
    try {
      await this.#events.tell(event as "periodic" | "timer", [], {
        decision,
        only: id,
        lane,
      });
      return true;
    } finally {
      this.#running.delete(lane);
    }
  }

  #skip(lane: string, registration: Registration): void {
    this.#events.passedOver(registration);
    const now = this.#context.clock.monotonic();
    const saidAt = this.#saidAt.get(lane);
    if (saidAt !== undefined && now - saidAt < SAY_MS) return;
    this.#saidAt.set(lane, now);
    const { plugin, event } = registration;
    this.#context.log.warn("a handler still runs when its time comes again", {
      plugin,
      event,
    });
  }
}
