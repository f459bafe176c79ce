/**
 * What a controller lets everybody know with its answers, and whether its clock
 * and this machine's agree: told once, on standard error, after a command.
 *
 * @module
 */
import type { Notice } from "../schema/notice.ts";
import type { Io } from "./io.ts";

/** schema/notice.ts has it too, and is not loaded for a word. */
const HEADER = "usher-notice";

/** Clocks that are apart by less are right: an answer may take its time. */
const APART_MS = 5 * 60_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Keeps what answers say until it is told, and tells each thing once. */
export class Notices {
  readonly #told = new Set<string>();
  #notices: readonly Notice[] = [];
  #clocks: string | null = null;

  /** Takes in the headers of an answer that came at `now`. */
  heard(headers: Headers, now: number): void {
    const text = headers.get(HEADER);
    if (text !== null) this.#notices = read(text);
    const theirs = Date.parse(headers.get("date") ?? "");
    // What a cache in between has kept is of another time.
    if (Number.isNaN(theirs) || headers.has("age")) return;
    this.#clocks = Math.abs(theirs - now) < APART_MS
      ? null
      : clocksText(now, theirs);
    // Clocks that were set right may go wrong again.
    if (this.#clocks === null) this.#told.delete(CLOCKS);
  }

  /** Tells all that was heard and not told yet. */
  tell({ stderr }: Pick<Io, "stderr">): void {
    for (const text of this.take()) stderr.write(`${text}\n`);
  }

  /** The same, for who tells it in another way. */
  take(): string[] {
    const notices = this.#notices.map(({ text, hint }) =>
      [text, `note: ${text}\n  ${hint}`] as const
    );
    const clocks = this.#clocks === null
      ? []
      // Its text is another at each look.
      : [[CLOCKS, `note: ${this.#clocks}`] as const];
    this.#notices = [];
    this.#clocks = null;
    return [...notices, ...clocks].flatMap(([key, text]) => {
      if (this.#told.has(key)) return [];
      this.#told.add(key);
      return [text];
    });
  }
}

/** What was told when clocks were. */
const CLOCKS = "clocks";

function read(text: string): readonly Notice[] {
  try {
    const notices: unknown = JSON.parse(decodeURIComponent(text));
    return Array.isArray(notices) ? notices as Notice[] : [];
  } catch {
    return []; // Of somebody in between.
  }
}

/** What is wrong with two clocks that are apart. */
export function clocksText(ours: number, theirs: number): string {
  const apart = spanText(Math.abs(ours - theirs));
  const side = ours < theirs ? "behind" : "ahead of";
  return `this machine's clock is ${apart} ${side} the controller's: it says ${
    at(ours)
  }, the controller ${at(theirs)}`;
}

function at(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** A span of time in the two largest units that it has. */
function spanText(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (ms < HOUR_MS) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  const rest = minutes % 60;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
