/**
 * A few starts at a time: many at once would each take longer than the slowest
 * of them may, and keep the controller from its own work.
 *
 * @module
 */

/** Hands out so many turns at a time, in the order in which they are asked for. */
export class StartTurns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Resolves when it is one's turn; disposing of that ends it. */
  async take(): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((go) => this.#waiting.push(go));
    return {
      [Symbol.dispose]: () => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }
}
