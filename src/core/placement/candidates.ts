/**
 * Candidates: the nodes that can take VMs of one kind, the best one first.
 *
 * A heap that is brought up to date only when it is asked: it is told which
 * nodes took something since, and puts those in again with their new score;
 * the old entries are passed over. So a thousand equal VMs cost a thousand
 * steps down a heap, not a thousand looks at every node.
 *
 * @module
 */
import { admits, varyingFiltersFor } from "./filters.ts";
import type { Ask } from "./ask.ts";
import type { Place } from "./picture.ts";
import type { Score } from "./score.ts";

interface Entry {
  readonly place: Place;
  readonly score: number;
  /** How many changes were known when it was put in. */
  readonly stamp: number;
}

/** The nodes that can take what `ask` asks for, the best first. */
export class Candidates {
  readonly #heap: Entry[] = [];
  /** The stamp of each node's newest entry. */
  readonly #newest = new Map<Place, number>();
  /** The newest: what an older one knows of neighbours may not be kept up. */
  #ask: Ask;
  readonly #places: ReadonlySet<Place>;
  readonly #score: Score;
  /** How many of the changes it knows. */
  #seen: number;

  /** Of `places`, which no fixed filter refuses, after all of `changes`. */
  constructor(
    ask: Ask,
    score: Score,
    places: readonly Place[],
    changes: readonly Place[],
  ) {
    this.#ask = ask;
    this.#score = score;
    this.#places = new Set(places);
    this.#seen = changes.length;
    for (const place of places) this.#put(place);
  }

  /**
   * The best node for one of the kind, given all nodes that changed so far; null
   * when none can. What a filter says of a node changes with that node alone.
   */
  best(
    ask: Ask,
    changes: readonly Place[],
  ): { place: Place; score: number } | null {
    this.#ask = ask;
    while (this.#seen < changes.length) {
      const changed = changes[this.#seen++];
      if (changed !== undefined && this.#places.has(changed)) {
        this.#put(changed);
      }
    }
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#newest.get(top.place) === top.stamp) return top;
      this.#drop();
    }
    return null;
  }

  #put(place: Place): void {
    const stamp = this.#seen;
    this.#newest.delete(place);
    const ask = this.#ask;
    if (!admits(varyingFiltersFor(ask), place, ask)) return;
    this.#newest.set(place, stamp);
    this.#heap.push({ place, score: this.#score(place, ask), stamp });
    this.#up(this.#heap.length - 1);
  }

  #drop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(from: number): void {
    let at = from;
    while (true) {
      const left = 2 * at + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const isRight = right < this.#heap.length && this.#isBefore(right, left);
      const child = isRight ? right : left;
      if (!this.#isBefore(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a] as Entry, this.#heap[b] as Entry];
    return x.score > y.score ||
      (x.score === y.score && x.place.order < y.place.order);
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a] as Entry;
    this.#heap[a] = this.#heap[b] as Entry;
    this.#heap[b] = kept;
  }
}
