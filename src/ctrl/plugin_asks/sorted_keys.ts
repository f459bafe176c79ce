/**
 * Keys in order, so that those with one beginning are found without looking
 * at all others.
 *
 * @module
 */

/** A set of keys, sorted. */
export class SortedKeys {
  readonly #keys: string[] = [];

  /** Adds a key; nothing happens when it is there. */
  add(key: string): void {
    const at = this.#placeOf(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  /** Takes a key out; nothing happens when it is not there. */
  delete(key: string): void {
    const at = this.#placeOf(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** The keys that begin with `prefix`, in order. */
  *beginning(prefix: string): Generator<string> {
    for (let at = this.#placeOf(prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at] ?? "";
      if (!key.startsWith(prefix)) return;
      yield key;
    }
  }

  /** Where a key stands, or would. */
  #placeOf(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
