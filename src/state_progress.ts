/**
 * How far reading or writing a controller's state has come, as a person sees
 * it: with a bar and an expected end where it is known how much there is.
 *
 * What is over within a second says nothing. On a terminal one line is drawn
 * over and over; elsewhere, as in the log of a nightly backup, a line comes now
 * and then.
 *
 * @module
 */
import { barText, paceText } from "./client/render/bar.ts";
import { bytes } from "./client/render/format.ts";
import type { StateProgress } from "./ctrl/state/progress.ts";

const QUIET_MS = 1000;
const REDRAW_MS = 200;
const LINE_MS = 5000;

/** Where it is told. */
export interface ProgressPlace {
  readonly isTerminal: boolean;
  now(): number;
  /** Writes a line. */
  say(line: string): void;
  /** Writes a line over the one that was written so before. */
  sayOver(line: string): void;
}

/** Tells how far something has come; `what` says it, such as "written". */
export class ProgressLine {
  readonly #place: ProgressPlace;
  readonly #what: string;
  readonly #began: number;
  #toldAt = -Infinity;

  constructor(place: ProgressPlace, what: string) {
    this.#place = place;
    this.#what = what;
    this.#began = place.now();
  }

  /** Called as often as one likes. */
  readonly show = (progress: StateProgress): void => {
    const { isTerminal, now, say, sayOver } = this.#place;
    const at = now();
    const every = isTerminal ? REDRAW_MS : LINE_MS;
    if (at - this.#began < QUIET_MS || at - this.#toldAt < every) return;
    this.#toldAt = at;
    const line = this.#text(progress, at - this.#began);
    if (isTerminal) sayOver(line);
    else say(line);
  };

  /** Takes the line away that is drawn over. */
  end(): void {
    if (this.#toldAt > 0 && this.#place.isTerminal) this.#place.sayOver("");
  }

  #text({ records, done, total }: StateProgress, elapsedMs: number): string {
    const what = `${records} records ${this.#what} so far`;
    const perSecond = (count: number) => Math.round(count / elapsedMs * 1000);
    if (done === null) return `${what}, ${perSecond(records)}/s`;
    if (total === null) {
      return `${what}, ${bytes(done)}, ${bytes(perSecond(done))}/s`;
    }
    const share = Math.floor(100 * Math.min(1, done / total));
    const pace = paceText(done, total, elapsedMs).split(", ").at(-1);
    return `${barText(done / total)} ${share}% of ${bytes(total)}` +
      `${pace ? `, ${pace}` : ""} (${what})`;
  }
}
