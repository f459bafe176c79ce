/**
 * Events of one session, for one listener: filtered before they are queued,
 * and bounded, so a listener that stopped reading costs nothing but its own
 * events.
 *
 * @module
 */

/** An event as QEMU sent it. */
export interface QmpEvent {
  /** `SHUTDOWN`, `STOP`, `RESUME`, … */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const DEFAULT_LIMIT = 256;

/** A queue of events; iterating ends when the session does. */
export class EventQueue implements AsyncIterable<QmpEvent> {
  readonly #wanted: ReadonlySet<string> | null;
  readonly #limit: number;
  readonly #held: QmpEvent[] = [];
  #turn = Promise.withResolvers<void>();
  #ended = false;
  #lost = 0;

  /** Takes events with one of `names`, or all when none are given. */
  constructor(names?: readonly string[], limit = DEFAULT_LIMIT) {
    this.#wanted = names === undefined ? null : new Set(names);
    this.#limit = limit;
  }

  /** How many events were dropped, oldest first, because nobody took them. */
  get lost(): number {
    return this.#lost;
  }

  /** Called by the session. */
  push(event: QmpEvent): void {
    if (this.#ended || !(this.#wanted?.has(event.event) ?? true)) return;
    this.#held.push(event);
    if (this.#held.length > this.#limit) {
      this.#held.shift();
      this.#lost++;
    }
    this.#turn.resolve();
  }

  /** Called by the session; what is queued can still be read. */
  end(): void {
    this.#ended = true;
    this.#turn.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<QmpEvent, void, void> {
    for (;;) {
      const event = this.#held.shift();
      if (event !== undefined) yield event;
      else if (this.#ended) return;
      else {
        await this.#turn.promise;
        if (!this.#ended) this.#turn = Promise.withResolvers();
      }
    }
  }
}
