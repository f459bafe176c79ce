/**
 * The wait for a request, as a person sees it: a line per VM on standard
 * error, redrawn on a terminal, one plain line per change elsewhere.
 *
 * @module
 */
import type { Outcome, Progress } from "../../schema/operation.ts";
import { type Io, wantsColor } from "../io.ts";
import { barText, paceText } from "./bar.ts";
import { bytes, took } from "./format.ts";
import { printable } from "./table.ts";
import { cut, pad, widthOf } from "./width.ts";

/** Shows outcomes as they change. */
export interface ProgressView {
  /** Whether a line takes the place of the one before it. */
  readonly isRedrawn: boolean;
  show(index: number, outcome: Outcome): void;
  /** Something about the wait itself: "connection lost". */
  note(text: string): void;
  /** Draws the last state; nothing is shown after it. */
  end(): void;
}

/** The view that fits standard error. */
export function progressView(io: Io): ProgressView {
  return io.stderr.isTerminal && io.env("TERM") !== "dumb"
    ? new LiveView(io)
    : new PlainView(io);
}

/** What an outcome says, in a few words; with a bar of so many cells. */
export function outcomeText(outcome: Outcome, bar = 0): string {
  const where = placeText(outcome);
  switch (outcome.state) {
    case "pending":
      return "waiting";
    case "running":
      return `${outcome.step ?? "beginning"}${where}` +
        (outcome.progress === undefined
          ? ""
          : `: ${progressText(outcome.progress, bar)}`);
    case "cancelling":
      return `undoing ${outcome.step ?? ""}`.trimEnd() + where;
    case "succeeded": {
      if (outcome.vmState === null) {
        return outcome.to === undefined ? "done" : `moved to ${outcome.to}`;
      }
      const state = `${outcome.vmState}${where}`;
      return outcome.changed ? state : `already ${state}`;
    }
    case "failed":
      return `failed: ${
        (outcome.problem?.code ?? "internal").replaceAll("_", " ")
      }`;
    case "cancelled":
      return "cancelled";
  }
}

function placeText({ node, to, state }: Outcome): string {
  if (node === null) return "";
  const isMoving = to !== undefined && to !== node && state === "running";
  return isMoving ? ` from ${node} to ${to}` : ` on ${node}`;
}

/** How far a step has come: `memory 45% of 256M, 118M/s, 3s left`. */
export function progressText(
  { phase, doneBytes, totalBytes, bytesPerSecond, leftMs }: Progress,
  bar = 0,
): string {
  const drawn = bar === 0 || totalBytes === 0
    ? ""
    : ` ${barText(doneBytes / totalBytes, bar)}`;
  const share = totalBytes === 0
    ? ""
    : ` ${Math.floor(100 * Math.min(1, doneBytes / totalBytes))}% of ${
      bytes(totalBytes)
    }`;
  const speed = bytesPerSecond === 0
    ? ""
    : `, ${bytes(Math.round(bytesPerSecond))}/s`;
  const left = leftMs === null ? "" : `, ${took(leftMs)} left`;
  return `${phase}${drawn}${share}${speed}${left}`;
}

/** Whether nothing more will come. */
export function isEnded({ state }: Pick<Outcome, "state">): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** Where lines stay, how far a step has come is told so often. */
const PROGRESS_EVERY_MS = 5000;

class PlainView implements ProgressView {
  readonly isRedrawn = false;
  readonly #io: Io;
  /** The last line of each, and when it was told how far its step had come. */
  readonly #last = new Map<number, { line: string; toldAt: number }>();

  constructor(io: Io) {
    this.#io = io;
  }

  show(index: number, outcome: Outcome): void {
    const line = printable(`${outcome.vm}: ${outcomeText(outcome)}`);
    const last = this.#last.get(index);
    if (last?.line === line) return;
    const at = this.#io.now();
    const isProgress = outcome.progress !== undefined;
    const toldAt = last?.toldAt ?? -Infinity;
    // A log of a wait must not grow with how long something is sent.
    if (isProgress && at - toldAt < PROGRESS_EVERY_MS) return;
    this.#last.set(index, { line, toldAt: isProgress ? at : -Infinity });
    this.#io.stderr.write(`${line}\n`);
  }

  note(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }

  end(): void {}
}

/** The most lines that are redrawn; more say less. */
const MAX_LINES = 16;
/** Lines of the terminal that are left alone, for the cursor and a note. */
const SPARE_LINES = 2;
const REDRAW_MS = 40;
/** A name is cut for what is said of it, but not below this. */
const LEAST_NAME = 12;

class LiveView implements ProgressView {
  readonly isRedrawn = true;
  readonly #io: Io;
  readonly #outcomes = new Map<number, Outcome>();
  readonly #color: boolean;
  /** The lengths of the lines that stand on the terminal. */
  #drawn: readonly number[] = [];
  #drawnAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #note = "";
  readonly #began: number;

  constructor(io: Io) {
    this.#io = io;
    this.#began = io.now();
    this.#color = wantsColor(io, io.stderr);
  }

  show(index: number, outcome: Outcome): void {
    this.#outcomes.set(index, outcome);
    this.#note = "";
    // What comes right after a redraw is drawn together, a moment later.
    const wait = this.#drawnAt + REDRAW_MS - this.#io.now();
    if (wait <= 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), wait);
  }

  note(text: string): void {
    this.#note = text;
    this.#draw();
  }

  end(): void {
    this.#note = "";
    this.#draw();
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const width = this.#io.stderr.columns();
    const lines = this.#lines(width - 1);
    const up = rowsOf(this.#drawn, width);
    const painted = lines.map((line) => `${this.#paint(line)}\x1b[K\n`);
    this.#io.stderr.write(
      `${up > 0 ? `\x1b[${up}A` : ""}\r${painted.join("")}\x1b[J`,
    );
    this.#drawn = lines.map(widthOf);
    this.#drawnAt = this.#io.now();
  }

  /** The VMs, those at work first when they are too many; then the rest, counted. */
  #lines(width: number): string[] {
    const all = [...this.#outcomes].sort(([a], [b]) => a - b)
      .map(([, outcome]) => outcome);
    const room = Math.max(
      1,
      Math.min(MAX_LINES, this.#io.stderr.rows() - SPARE_LINES),
    );
    const many = all.length > room;
    const shown = many
      ? all.filter((outcome) => !isEnded(outcome)).slice(0, room - 1)
      : all;
    const lines = outcomeLines(shown, width);
    if (many) lines.push(this.#countLine(all, width));
    if (this.#note !== "") lines.push(this.#note);
    return lines.map((line) => cut(line, width));
  }

  #countLine(all: readonly Outcome[], width: number): string {
    const ended = all.filter(isEnded).length;
    const pace = paceText(ended, all.length, this.#io.now() - this.#began);
    const bar = barCells(width);
    const drawn = bar === 0 ? "" : `${barText(ended / all.length, bar)} `;
    return drawn + countText(all) + pace;
  }

  #paint(line: string): string {
    return this.#color && line.includes("  failed: ")
      ? `\x1b[31m${line}\x1b[0m`
      : line;
  }
}

/** The cells of a bar on a terminal of `width` columns; 0 leaves it out. */
function barCells(width: number): number {
  return width >= 100 ? 20 : width >= 79 ? 10 : 0;
}

/** A line for each, names in a column that is cut where the terminal is narrow. */
function outcomeLines(outcomes: readonly Outcome[], width: number): string[] {
  const bar = barCells(width);
  const rows = outcomes.map((outcome) =>
    [printable(outcome.vm), printable(outcomeText(outcome, bar))] as const
  );
  const names = Math.max(0, ...rows.map(([name]) => widthOf(name)));
  const texts = Math.max(0, ...rows.map(([, text]) => widthOf(text)));
  const room = Math.min(names, Math.max(LEAST_NAME, width - texts - 2));
  return rows.map(([name, text]) => `${pad(cut(name, room), room)}  ${text}`);
}

/**
 * How many rows lines of these lengths take on a terminal of `width` columns:
 * one that became narrower has broken those that no longer fit.
 */
function rowsOf(lengths: readonly number[], width: number): number {
  return lengths.reduce(
    (sum, length) => sum + Math.max(1, Math.ceil(length / width)),
    0,
  );
}

/** `100 VMs: 60 done, 2 failed, 38 at work`. */
export function countText(outcomes: readonly Outcome[]): string {
  const done = outcomes.filter(({ state }) => state === "succeeded").length;
  const ended = outcomes.filter(isEnded).length;
  const parts = [`${done} done`];
  if (ended > done) parts.push(`${ended - done} failed`);
  if (outcomes.length > ended) {
    parts.push(`${outcomes.length - ended} at work`);
  }
  return `${outcomes.length} VMs: ${parts.join(", ")}`;
}
