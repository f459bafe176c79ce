/**
 * The agenda: all that is to happen at some time, and one timer for it.
 *
 * What is due by the wall clock follows it wherever it jumps: it is looked at
 * every few seconds. What is due by the monotonic clock is not touched by such
 * jumps. Things that are due together happen in the order of their times, each
 * once, however late it is.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";

/** A jump of the wall clock is noticed after so long at most. */
const LOOK_MS = 30_000;

/** What two clocks may go apart between two looks without one being put back. */
const DRIFT_MS = 1000;

/** No timer can wait longer. */
const LONGEST_MS = 2 ** 31 - 1;

interface Item {
  readonly key: string;
  readonly at: number;
  /** Tells items of one moment apart, in the order in which they came. */
  readonly number: number;
  readonly run: () => void;
}

type ClockKind = "wall" | "monotonic";

/** What is to happen, by key. */
export class Agenda implements Disposable {
  readonly #clock: Clock;
  /** Sorted by time. */
  readonly #items: Readonly<Record<ClockKind, Item[]>> = {
    wall: [],
    monotonic: [],
  };
  readonly #kinds = new Map<string, { kind: ClockKind; item: Item }>();
  readonly #putBack = new Set<() => void>();
  #numbers = 0;
  /** How far the wall clock is ahead of the monotonic one. */
  #ahead: number;
  #timer: Disposable | null = null;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = clock.now() - clock.monotonic();
  }

  /** How many things are to happen. */
  get size(): number {
    return this.#kinds.size;
  }

  /** Runs `run` once when `kind` of clock has reached `at`; another of this key is replaced. */
  set(key: string, kind: ClockKind, at: number, run: () => void): void {
    this.#remove(key);
    const item = { key, at, number: ++this.#numbers, run };
    const items = this.#items[kind];
    items.splice(placeOf(items, item), 0, item);
    this.#kinds.set(key, { kind, item });
    this.#arm();
  }

  /** It does not happen; whether it was to. */
  cancel(key: string): boolean {
    const wasThere = this.#remove(key);
    if (wasThere) this.#arm();
    return wasThere;
  }

  /** Calls `run` whenever the wall clock was put back while something waited for it. */
  onPutBack(run: () => void): void {
    this.#putBack.add(run);
  }

  /** Nothing happens any more. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #remove(key: string): boolean {
    const known = this.#kinds.get(key);
    if (known === undefined) return false;
    const items = this.#items[known.kind];
    items.splice(placeOf(items, known.item), 1);
    return this.#kinds.delete(key);
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const [wall] = this.#items.wall;
    const [monotonic] = this.#items.monotonic;
    if (this.#isClosed || (wall ?? monotonic) === undefined) return;
    const left = Math.min(
      wall === undefined
        ? Infinity
        : Math.min(LOOK_MS, wall.at - this.#clock.now()),
      monotonic === undefined
        ? Infinity
        : monotonic.at - this.#clock.monotonic(),
      LONGEST_MS,
    );
    this.#timer = this.#clock.after(
      Math.max(0, Math.ceil(left)),
      () => this.#look(),
    );
  }

  #look(): void {
    const due = [
      ...this.#due("wall", this.#clock.now()),
      ...this.#due("monotonic", this.#clock.monotonic()),
    ];
    for (const { run } of due) run();
    this.#lookForJump();
    this.#arm();
  }

  #lookForJump(): void {
    const ahead = this.#clock.now() - this.#clock.monotonic();
    const isPutBack = ahead < this.#ahead - DRIFT_MS;
    this.#ahead = ahead;
    if (isPutBack) { for (const run of this.#putBack) run(); }
  }

  #due(kind: ClockKind, now: number): Item[] {
    const items = this.#items[kind];
    const count = items.findIndex(({ at }) => at > now);
    const due = items.splice(0, count < 0 ? items.length : count);
    for (const { key } of due) this.#kinds.delete(key);
    return due;
  }
}

/** Where an item stands, or would, in a sorted list. */
function placeOf(items: readonly Item[], item: Item): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = items[middle];
    const isBefore = other !== undefined &&
      (other.at < item.at ||
        (other.at === item.at && other.number < item.number));
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
