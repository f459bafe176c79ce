/**
 * The way between one machine and the controller, and what may be wrong with
 * it: slow, blocked in one direction or both.
 *
 * @module
 */
import type { Random } from "./random.ts";

/** To the controller, or from it. */
export type Way = "up" | "down";

/** What a route holds up while it is blocked. */
export interface Held {
  /** The route may be open again. */
  resume(): void;
}

/** From and to how many ms a piece takes. */
export interface Latency {
  readonly low: number;
  readonly high: number;
}

const USUAL: Latency = { low: 0.2, high: 2 };

/** The route of one machine. */
export class Route {
  readonly #random: Random;
  readonly #pipes = new Set<Held>();
  readonly #blocked: Record<Way, number> = { up: 0, down: 0 };
  #latency = USUAL;
  /** While set, the end of a connection does not reach the other side. */
  losesEnds = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How long the next piece takes, in ms. */
  latency(): number {
    const { low, high } = this.#latency;
    return low + this.#random.next() * (high - low);
  }

  /** Makes it slow; null makes it as usual. */
  slow(latency: Latency | null): void {
    this.#latency = latency ?? USUAL;
  }

  isBlocked(way: Way): boolean {
    return this.#blocked[way] > 0;
  }

  /** Blocks these ways; what is sent is held up until each `unblock`. */
  block(ways: readonly Way[]): void {
    for (const way of ways) this.#blocked[way]++;
  }

  unblock(ways: readonly Way[]): void {
    for (const way of ways) this.#blocked[way]--;
    for (const pipe of [...this.#pipes]) pipe.resume();
  }

  join(pipe: Held): void {
    this.#pipes.add(pipe);
  }

  leave(pipe: Held): void {
    this.#pipes.delete(pipe);
  }
}
