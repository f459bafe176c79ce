/**
 * Callbacks by event.
 *
 * One that throws, at once or later, disturbs neither the others nor what
 * called it: its error goes to `onError`, or, where nobody wants it, to the
 * program as an error that nobody caught. Nobody waits for a callback, so a
 * slow one holds up nothing.
 *
 * @module
 */

/** What is done with the error of a callback. */
export type OnCallbackError = (error: unknown, event: string) => void;

/** Calls `callback`, whatever becomes of it. */
export function callSafely<A extends readonly unknown[]>(
  callback: (...args: A) => unknown,
  args: A,
  event: string,
  onError: OnCallbackError | undefined,
): void {
  try {
    const answer = callback(...args);
    if (answer instanceof Promise) {
      answer.catch((error) => tell(error, event, onError));
    }
  } catch (error) {
    tell(error, event, onError);
  }
}

function tell(
  error: unknown,
  event: string,
  onError: OnCallbackError | undefined,
): void {
  queueMicrotask(() => {
    if (onError === undefined) throw error;
    onError(error, event);
  });
}

/** Arguments by event. */
type EventMap = Readonly<Record<string, readonly unknown[]>>;

/** The callbacks for some events. */
export class Callbacks<E extends EventMap> {
  readonly #listeners = new Map<keyof E, Set<{ call: unknown }>>();
  readonly #onError: OnCallbackError | undefined;

  constructor(onError: OnCallbackError | undefined) {
    this.#onError = onError;
  }

  /** How many there are, of all events. */
  get size(): number {
    return [...this.#listeners.values()].reduce(
      (sum, { size }) => sum + size,
      0,
    );
  }

  /** Calls `callback` at each `event` until the answer is disposed of. */
  on<K extends keyof E>(
    event: K,
    callback: (...args: E[K]) => unknown,
  ): Disposable {
    const entry = { call: callback };
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(entry));
    return { [Symbol.dispose]: () => void all.delete(entry) };
  }

  /** Calls those of `event`, in the order in which they came. */
  emit<K extends keyof E & string>(event: K, ...args: E[K]): void {
    for (const { call } of [...this.#listeners.get(event) ?? []]) {
      const callback = call as (...args: E[K]) => unknown;
      callSafely(callback, args, event, this.#onError);
    }
  }
}
