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
import { admits, type Filter } from "./filter.ts";
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
  readonly #ask: Ask;
  readonly #filters: readonly Filter[];
  readonly #score: Score;
  /** How many of the changes it knows. */
  #seen: number;

  constructor(
    ask: Ask,
    filters: readonly Filter[],
    score: Score,
    changes: readonly Place[],
  ) {
    this.#ask = ask;
    this.#filters = filters;
    this.#score = score;
    this.#seen = changes.length;
    for (const place of ask.picture.places()) this.#put(place);
  }

  /** The best node, given all nodes that changed so far; null when none can. */
  best(changes: readonly Place[]): { place: Place; score: number } | null {
    while (this.#seen < changes.length) {
      const changed = changes[this.#seen++];
      if (changed !== undefined) this.#put(changed);
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
    if (!admits(this.#filters, place, this.#ask)) return;
    this.#newest.set(place, stamp);
    this.#heap.push({ place, score: this.#score(place, this.#ask), stamp });
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
