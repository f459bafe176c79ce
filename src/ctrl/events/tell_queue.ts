/**
 * The order in which events are told: one after another in each lane, lanes
 * side by side, and so many of one event at a time.
 *
 * The bound is one for each event, so that a slow chain holds up itself and
 * the lanes that wait for it, and no other chain.
 *
 * @module
 */

/** What is told. */
export interface Queued {
  readonly id: string;
  readonly event: string;
  readonly lane: string;
}

/** Events on their way to their chains. */
export class TellQueue<T extends Queued> {
  readonly #run: (told: T) => Promise<void>;
  readonly #limit: number;
  readonly #lanes = new Map<string, T[]>();
  /** How many of each event are being told. */
  readonly #telling = new Map<string, number>();
  /** Lanes whose next event is at its bound, first come first. */
  readonly #blocked = new Map<string, Set<string>>();
  /** What has not begun, oldest first. */
  readonly #waiting = new Map<string, T>();
  #isOpen = false;

  /** `run` tells one event and never rejects; `limit` of one event run at a time. */
  constructor(run: (told: T) => Promise<void>, limit: number) {
    this.#run = run;
    this.#limit = limit;
  }

  /** How many have not begun. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The oldest that has not begun. */
  get oldest(): T | undefined {
    for (const told of this.#waiting.values()) return told;
    return undefined;
  }

  /** Begins to tell. */
  open(): void {
    this.#isOpen = true;
    for (const lane of [...this.#lanes.keys()]) this.#next(lane);
  }

  /** Begins nothing any more. */
  close(): void {
    this.#isOpen = false;
  }

  add(told: T): void {
    this.#waiting.set(told.id, told);
    const lane = this.#lanes.get(told.lane);
    if (lane !== undefined) return void lane.push(told);
    this.#lanes.set(told.lane, [told]);
    this.#next(told.lane);
  }

  /** Takes out one that has not begun. */
  drop(told: T): void {
    if (!this.#waiting.delete(told.id)) return;
    const lane = this.#lanes.get(told.lane) ?? [];
    const at = lane.indexOf(told);
    lane.splice(at, 1);
    if (at !== 0) return;
    // It was next, and may have waited for its event's turn.
    this.#blocked.get(told.event)?.delete(told.lane);
    this.#next(told.lane);
  }

  /** Tells the first of a lane, of which none is being told. */
  #next(name: string): void {
    const told = this.#lanes.get(name)?.[0];
    if (told === undefined) return void this.#lanes.delete(name);
    if (!this.#isOpen) return;
    const { event } = told;
    const telling = this.#telling.get(event) ?? 0;
    if (telling >= this.#limit) return this.#block(event, name);
    this.#waiting.delete(told.id);
    this.#telling.set(event, telling + 1);
    void this.#run(told).then(() => this.#ended(told));
  }

  #block(event: string, lane: string): void {
    const blocked = this.#blocked.get(event);
    if (blocked === undefined) this.#blocked.set(event, new Set([lane]));
    else blocked.add(lane);
  }

  #ended({ event, lane }: T): void {
    this.#telling.set(event, (this.#telling.get(event) ?? 1) - 1);
    this.#lanes.get(lane)?.shift();
    this.#next(lane);
    for (const blocked of this.#blocked.get(event) ?? []) {
      this.#blocked.get(event)?.delete(blocked);
      this.#next(blocked);
      break;
    }
  }
}
