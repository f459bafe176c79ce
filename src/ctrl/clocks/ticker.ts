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

interface Count {
  skipped: number;
  saidAt: number | null;
}

/** Runs chains of clocks. */
export class Ticker {
  readonly #context: CtrlContext;
  readonly #events: Pick<Events, "tell">;
  readonly #running = new Set<string>();
  readonly #counts = new Map<number, Count>();

  constructor(context: CtrlContext, events: Pick<Events, "tell">) {
    this.#context = context;
    this.#events = events;
  }

  /** How often a tick of this registration was passed over. */
  skipped(registration: number): number {
    return this.#counts.get(registration)?.skipped ?? 0;
  }

  /** Runs the chain of one registration to its end; false when it still runs. */
  async tick(
    { id, plugin, event }: Registration,
    decision: string,
  ): Promise<boolean> {
    // By what it is, since a reload gives it another number.
    const lane = decision.slice(0, decision.lastIndexOf("/"));
    if (this.#running.has(lane)) {
      this.#skip(id, plugin, event);
      return false;
    }
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

  #skip(id: number, plugin: string, event: string): void {
    const count = this.#counts.get(id) ?? { skipped: 0, saidAt: null };
    this.#counts.set(id, count);
    count.skipped++;
    const now = this.#context.clock.monotonic();
    if (count.saidAt !== null && now - count.saidAt < SAY_MS) return;
    count.saidAt = now;
    this.#context.log.warn("a handler still runs when its time comes again", {
      plugin,
      event,
      skipped: count.skipped,
    });
  }
}
