/**
 * The history of a run: what happened when, one line each, for people and for
 * comparing two runs byte for byte.
 *
 * @module
 */
import type { VirtualClock } from "./virtual_clock.ts";

/** Everything that happened, in order. */
export class History {
  readonly #clock: VirtualClock;
  readonly #lines: string[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Notes that `what` happened to, or was said by, `who`. */
  add(who: string, what: string): void {
    this.#lines.push(`${timeText(this.#clock.elapsed)}  ${who}  ${what}`);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The whole of it. */
  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}

/** Milliseconds since the simulation began as `hh:mm:ss.mmm`. */
export function timeText(ms: number): string {
  const part = (value: number, digits: number) =>
    String(Math.floor(value)).padStart(digits, "0");
  return `${part(ms / 3_600_000, 2)}:${part(ms / 60_000 % 60, 2)}:${
    part(ms / 1000 % 60, 2)
  }.${part(ms % 1000, 3)}`;
}
