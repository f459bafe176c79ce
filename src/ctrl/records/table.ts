/**
 * A table of records in memory, with two views of each: what is durable, for
 * readers, and what is about to be, for decisions.
 *
 * A decision must see what an earlier one just wrote, or two of them would
 * take the same place; a reader must not see what a crash could still undo.
 *
 * @module
 */

/** Records of one kind by their key. */
export class Table<T> {
  readonly #durable = new Map<string, T>();
  /** Written and not yet durable; null stands for a deletion. */
  readonly #drafts = new Map<string, { value: T | null; ticket: number }>();
  #tickets = 0;

  /** The newest value, durable or not. For decisions. */
  latest(key: string): T | undefined {
    const draft = this.#drafts.get(key);
    return draft === undefined
      ? this.#durable.get(key)
      : draft.value ?? undefined;
  }

  /** The durable value. For readers. */
  get(key: string): T | undefined {
    return this.#durable.get(key);
  }

  /** Durable values, in the order in which they were first written. */
  values(): IterableIterator<T> {
    return this.#durable.values();
  }

  /** The newest values, durable or not. */
  *latestValues(): IterableIterator<T> {
    for (const [key, value] of this.#durable) {
      const draft = this.#drafts.get(key);
      if (draft === undefined) yield value;
      else if (draft.value !== null) yield draft.value;
    }
    for (const [key, draft] of this.#drafts) {
      if (draft.value !== null && !this.#durable.has(key)) yield draft.value;
    }
  }

  get size(): number {
    return this.#durable.size;
  }

  /** Takes what the store holds, at start. */
  load(key: string, value: T): void {
    this.#durable.set(key, value);
  }

  /** Notes a write that was handed to the store; returns its ticket. */
  draft(key: string, value: T | null): number {
    const ticket = ++this.#tickets;
    this.#drafts.set(key, { value, ticket });
    return ticket;
  }

  /** The write became durable. */
  settle(key: string, value: T | null, ticket: number): void {
    if (value === null) this.#durable.delete(key);
    else this.#durable.set(key, value);
    this.#forget(key, ticket);
  }

  /** The write failed; the durable value counts again. */
  discard(key: string, ticket: number): void {
    this.#forget(key, ticket);
  }

  #forget(key: string, ticket: number): void {
    if (this.#drafts.get(key)?.ticket === ticket) this.#drafts.delete(key);
  }
}
