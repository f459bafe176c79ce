/**
 * The first of many things by name, for answers that come a page at a time.
 *
 * Everybody waits while an answer is made, so what cannot be on the page is
 * not sorted: once twice a page is there the later half is dropped, and names
 * beyond the last that is left are passed over.
 *
 * @module
 */

/** Gathers the first `limit` of what it is given. */
export class FirstByName<T extends { readonly name: string }> {
  readonly #limit: number;
  #found: T[] = [];
  /** What comes after this name is on no page; null while anything may be. */
  #last: string | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether something of this name could still be among the first. */
  hasRoomFor(name: string): boolean {
    return this.#last === null || name < this.#last;
  }

  add(one: T): void {
    this.#found.push(one);
    if (this.#found.length < 2 * this.#limit) return;
    this.#found = this.all();
    this.#last = this.#found.at(-1)?.name ?? null;
  }

  /** The first of those that were added, in order. */
  all(): T[] {
    return this.#found.toSorted((a, b) => a.name < b.name ? -1 : 1)
      .slice(0, this.#limit);
  }
}
