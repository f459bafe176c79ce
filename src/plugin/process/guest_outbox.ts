/**
 * What a worker says on its way out.
 *
 * Lines and asks have a rate, which is kept here, where what is too much costs
 * nobody but the plugin.
 *
 * @module
 */
import { BODY_ROOM, textOf } from "./protocol.ts";
import { RateGate } from "./rate_gate.ts";

// What the plugin may replace, as it was before.
const setTimer = setTimeout;
const toEndOfTurn = queueMicrotask;
const now = performance.now.bind(performance);
const clock = { monotonic: () => now() };

/** Parts on their way out; what comes up in one turn leaves together. */
export class GuestOutbox {
  readonly #send: (text: string) => void;
  #parts: string[] = [];
  #length = 0;
  #isDue = false;
  #gate: RateGate | null = null;
  #nextSecond: Promise<void> | null = null;

  /** `send` takes a body. */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /**
   * Bounds lines and asks, so that what comes too fast is no work for anybody
   * but the plugin. One more than may be is let through: the controller
   * counts too, and says that there are more.
   */
  limit(rate: number): void {
    this.#gate = new RateGate(clock, rate + 1);
  }

  /** Resolves when as many again may leave. One timer for all who wait. */
  nextSecond(): Promise<void> {
    return this.#nextSecond ??= new Promise((go) =>
      setTimer(() => {
        this.#nextSecond = null;
        go();
      }, 1001 - now() % 1000)
    );
  }

  /** Whether one more line or ask may leave. */
  passes(): boolean {
    return this.#gate?.passes() ?? true;
  }

  put(part: string): void {
    if (this.#length + part.length > BODY_ROOM / 4) this.#flush();
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#isDue) return;
    this.#isDue = true;
    toEndOfTurn(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#parts.length === 0) return;
    const text = textOf(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#send(text);
  }
}
