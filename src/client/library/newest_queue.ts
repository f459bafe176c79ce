/**
 * What happened, for a reader who may be slow: of each key the newest alone
 * waits, so what waits is bounded by how many things there are.
 *
 * @module
 */

/** Values to be read one after another; a newer one takes its elder's place. */
export class NewestQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #waiting = new Map<string, T>();
  readonly #onLeft: () => void;
  #wake: (() => void) | null = null;
  #end: { readonly error: unknown } | null = null;

  /** `onLeft` is called when its reader has gone. */
  constructor(onLeft: () => void = () => {}) {
    this.#onLeft = onLeft;
  }

  /** How many wait to be read. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Adds a value, in the place of one with the same key that still waits. */
  put(key: string, value: T): void {
    if (this.#end !== null) return;
    this.#waiting.set(key, value);
    this.#wake?.();
  }

  /** What waits is read still; then it ends, or throws `error`. */
  end(error: unknown = null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** The next value; one reader at a time. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#waiting.size === 0 && this.#end === null) {
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
    for (const [key, value] of this.#waiting) {
      this.#waiting.delete(key);
      return { done: false, value };
    }
    if (this.#end?.error) throw this.#end.error;
    return { done: true, value: undefined };
  }

  /** Its reader leaves. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#waiting.clear();
    this.end();
    this.#onLeft();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
