/**
 * Randomness from a seed: the same seed gives the same numbers, everywhere.
 *
 * Whoever draws has a stream of its own, named after what it draws for, so
 * that one who draws more or less changes nothing for the others. That is what
 * lets a history be shortened without becoming another one.
 *
 * @module
 */

/** A stream of pseudo-random numbers (sfc32, seeded by the hash of a text). */
export class Random {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(name: string) {
    this.#name = name;
    this.#a = hash(name, 0x811c9dc5);
    this.#b = hash(name, 0x01000193);
    this.#c = hash(name, 0x9e3779b9);
    for (let i = 0; i < 12; i++) this.#draw();
  }

  /** A stream that depends on this one's seed and `name`, and on nothing that was drawn. */
  fork(name: string): Random {
    return new Random(`${this.#name}/${name}`);
  }

  /** A number from 0 to 1, without 1. */
  next(): number {
    return this.#draw() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True so often. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `values`, which must not be empty. */
  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }

  /** A key of `weights`, by its weight. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries<number>(weights);
    let rest = this.next() * entries.reduce((sum, [, one]) => sum + one, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key as Key;
    }
    return entries.at(-1)![0] as Key;
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#draw() & 255);
  }

  #draw(): number {
    const sum = (this.#a + this.#b + this.#d++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }
}

/** FNV-1a with a start of its own, 32 bits. */
function hash(text: string, start: number): number {
  let value = start;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value | 0;
}
