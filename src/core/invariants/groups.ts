/**
 * Keys of records that share something: a name, a node, a request.
 *
 * @module
 */

const NONE: ReadonlySet<string> = new Set();

/** Sets of keys by what they share; an empty set costs nothing. */
export class Groups<T extends string | number = string> {
  readonly #groups = new Map<T, Set<string>>();

  /** The keys that share `what`. */
  get(what: T): ReadonlySet<string> {
    return this.#groups.get(what) ?? NONE;
  }

  add(what: T, key: string): void {
    const group = this.#groups.get(what);
    if (group === undefined) this.#groups.set(what, new Set([key]));
    else group.add(key);
  }

  remove(what: T, key: string): void {
    const group = this.#groups.get(what);
    group?.delete(key);
    if (group?.size === 0) this.#groups.delete(what);
  }
}
