/**
 * Every wait of a sim driver: for its knobs and for its domains. All of them
 * end with their own signal, and with the driver.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { SimDomain } from "./domain_record.ts";
import type { SimNodeOptions } from "./faults.ts";
import type { SimHypervisor } from "./hypervisor.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

/** The waits of one driver. */
export class Waits implements Disposable {
  readonly #hypervisor: SimHypervisor;
  readonly #faults: SimNodeOptions;
  readonly #life = new AbortController();
  #nextStartAt = 0;

  constructor(hypervisor: SimHypervisor, faults: SimNodeOptions) {
    this.#hypervisor = hypervisor;
    this.#faults = faults;
  }

  /** Aborts when the driver ends. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** Passes what time a verb takes before it acts. */
  verb(signal: AbortSignal): Promise<void> {
    return this.delay(this.#faults.verbDelayMs, signal);
  }

  /** Waits for its turn to start a domain. */
  async startSlot(signal: AbortSignal): Promise<void> {
    const { startsPerSecond } = this.#faults;
    if (startsPerSecond === undefined) return;
    const now = this.#hypervisor.clock.now();
    const at = Math.max(now, this.#nextStartAt);
    this.#nextStartAt = at + 1000 / startsPerSecond;
    await this.delay(at - now, signal);
  }

  /** Passes what time a look takes. Throws when the node was made to tell nothing. */
  async look(signal: AbortSignal): Promise<void> {
    const { listDelayMs, listError } = this.#faults;
    await this.delay(listDelayMs, signal);
    if (listError !== undefined) throw new UsherError("unavailable", listError);
  }

  /** Passes `ms`. */
  async delay(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.life.throwIfAborted();
    if (ms <= 0) return;
    using until = new JoinedSignal(signal, this.life);
    await this.#hypervisor.clock.sleep(ms, until.signal);
  }

  /** See `SimHypervisor.waitFor`. */
  async until<T>(
    key: string,
    holds: (domain: SimDomain | null) => T | null,
    options: { signal: AbortSignal; timeoutMs?: number },
  ): Promise<T | null> {
    // Most starts are over at once, and need no wait to be set up.
    const first = holds(this.#hypervisor.get(key));
    if (first !== null) return first;
    using until = new JoinedSignal(options.signal, this.life);
    const { signal } = until;
    return await this.#hypervisor.waitFor(key, holds, { ...options, signal });
  }

  [Symbol.dispose](): void {
    this.#life.abort(
      new UsherError("interrupted", "The sim driver was closed"),
    );
  }
}
