/**
 * Waiting for whatever comes next of a hypervisor, so that nobody has to ask it
 * again and again.
 *
 * @module
 */
import { systemClock } from "../sys/clock.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";

/** A bell: `ring` wakes all who wait. */
export class News {
  #rung = new AbortController();

  /** Something happened. */
  ring(): void {
    this.#rung.abort();
    this.#rung = new AbortController();
  }

  /** Resolves when something happens, when `ms` are over, or when `signal` aborts. */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    using either = new JoinedSignal(this.#rung.signal, signal);
    await systemClock.sleep(ms, either.signal).catch(() => {});
  }
}
