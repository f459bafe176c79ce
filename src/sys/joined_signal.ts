/**
 * A signal that aborts with the first of several.
 *
 * What `AbortSignal.any` is for; but Deno 2.6 holds its results by weak
 * references alone, so one that somebody merely waits on is collected with all
 * its listeners, and the wait never ends.
 *
 * @module
 */

/** Aborts when any of its parents does, with that one's reason. */
export class JoinedSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #parents: readonly AbortSignal[];

  constructor(...parents: readonly AbortSignal[]) {
    this.#parents = parents;
    const over = parents.find(({ aborted }) => aborted);
    if (over !== undefined) this.#controller.abort(over.reason);
    else {for (const parent of parents) {
        parent.addEventListener("abort", this.#hear);
      }}
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Lets go of the parents; the signal aborts no more. */
  [Symbol.dispose](): void {
    for (const parent of this.#parents) {
      parent.removeEventListener("abort", this.#hear);
    }
  }

  readonly #hear = (event: Event): void => {
    this[Symbol.dispose]();
    this.#controller.abort((event.target as AbortSignal).reason);
  };
}
