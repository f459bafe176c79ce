/**
 * The recording of events, for replays: on no path that anybody waits on.
 *
 * A line is made when its event has ended, kept in memory for a moment, and
 * written with others. When there is more than the disk takes, or than an hour
 * may have, events are dropped and counted, and the count stands where they
 * would. What decides and what tells have an allowance each, so that a storm
 * of states hides no request.
 *
 * What carries a secret is never recorded, whoever asks for it.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { EventRecorder } from "../../plugin/chain/recorder.ts";
import { EVENTS, isEventName } from "../../schema/event.ts";
import type {
  RecordedEvent,
  RecordedLine,
} from "../../schema/recorded_event.ts";
import { isoTime } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import { Allowance } from "./allowance.ts";
import { readRecording } from "./read.ts";
import { type Kept, Segments } from "./segments.ts";

/** Lines are written together, so long after the first of them. */
const FLUSH_MS = 250;

/** What waits to be written, at most. */
const MAX_BUFFER = 4 * 1024 * 1024;

/** One line, in characters; a request for thousands of VMs is longer. */
const MAX_LINE = 256 * 1024;

/** A request for more VMs is not even made a line: that alone would take long. */
const MAX_VMS = 2000;

/** A disk that does not take it is named in the log so often at most. */
const SAY_MS = 60_000;

/** How often what is too old is looked for. */
const SWEEP_MS = 3_600_000;

/** Records events into files of its own. */
export class Recording implements EventRecorder, AsyncDisposable {
  readonly #context: CtrlContext;
  readonly #kept: Kept;
  readonly #segments: Segments;
  readonly #allowances: Readonly<Record<"decides" | "tells", Allowance>>;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #buffered = 0;
  /** Since the last line. */
  #dropped = 0;
  #droppedInAll = 0;
  #timer: Disposable | null = null;
  #writing: Promise<void> = Promise.resolve();
  #saidAt: number | null = null;
  #isOver = false;

  constructor(context: CtrlContext, kept: Kept) {
    this.#context = context;
    this.#kept = kept;
    this.#segments = new Segments(kept);
    this.#allowances = {
      decides: new Allowance(context.clock, () => kept.bytes),
      tells: new Allowance(context.clock, () => kept.bytes),
    };
  }

  /** How many events were dropped since the start. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  /**
   * What users ask is recorded whoever hears it, since that is what a new
   * plugin would decide; reads and what is told only when somebody hears it.
   */
  wants(event: string): boolean {
    return event === "request" ||
      (event.endsWith("_request") && !event.endsWith("list_request") &&
        isEventName(event));
  }

  record(recorded: Omit<RecordedEvent, "type">): void {
    // A handler that answers after the end would begin a file that nobody closes.
    if (this.#isOver) return;
    const { event, answers } = recorded;
    const kind = isEventName(event) ? EVENTS[event] : null;
    if (kind?.recorded === false) return;
    if (answers.length === 0 && isRead(recorded)) return;
    const allowance = this.#allowances[kind?.class ?? "tells"];
    const isFull = allowance.isUsedUp || this.#buffered >= MAX_BUFFER;
    if (isFull || isLong(recorded)) return this.#drop();
    const line = JSON.stringify(
      { type: "event", ...recorded } satisfies RecordedEvent,
    );
    if (line.length > MAX_LINE) return this.#drop();
    allowance.take(line.length);
    this.#gap(recorded.at);
    this.#push(line);
  }

  /** What was recorded since a moment, oldest first, up to now. */
  async *read(sinceMs: number): AsyncGenerator<RecordedLine, void, void> {
    await this.flush();
    yield* readRecording(this.#kept.folder, sinceMs);
  }

  /** Removes what is too old, also while nothing is recorded, until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    while (!signal.aborted) {
      this.#writing = this.#writing.then(() => this.#sweep());
      await this.#writing;
      await clock.sleep(SWEEP_MS, signal).catch(() => {});
    }
  }

  /** Writes what waits to be written. */
  async flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gap(isoTime(this.#context.clock.now()));
    this.#isOver = true;
    await this.flush();
    this.#segments[Symbol.dispose]();
  }

  #drop(): void {
    this.#dropped++;
    this.#droppedInAll++;
  }

  #gap(at: string): void {
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#push(
      JSON.stringify({ type: "gap", at, dropped } satisfies RecordedLine),
    );
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#buffered += line.length + 1;
    this.#timer ??= this.#context.clock.after(
      FLUSH_MS,
      () => void this.flush(),
    );
  }

  async #write(): Promise<void> {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#buffered = 0;
    const bytes = this.#encoder.encode(`${lines.join("\n")}\n`);
    try {
      await this.#segments.append(bytes, this.#context.clock.now());
    } catch (error) {
      this.#dropped += lines.length;
      this.#droppedInAll += lines.length;
      this.#say(error);
    }
  }

  async #sweep(): Promise<void> {
    try {
      await this.#segments.sweep(this.#context.clock.now());
    } catch (error) {
      this.#say(error);
    }
  }

  #say(error: unknown): void {
    const now = this.#context.clock.monotonic();
    if (this.#saidAt !== null && now - this.#saidAt < SAY_MS) return;
    this.#saidAt = now;
    this.#context.log.warn("events could not be recorded", {
      folder: this.#kept.folder,
      error: messageOf(error),
    });
  }
}

/** Whether it is a read of VMs or nodes, of which there are many. */
function isRead({ event, args }: Omit<RecordedEvent, "type">): boolean {
  const [value] = args as [{ verb?: unknown } | undefined];
  return event === "request" &&
    (value?.verb === "list" || value?.verb === "lnm_list");
}

function isLong({ args }: Omit<RecordedEvent, "type">): boolean {
  const [value] = args as [{ vms?: unknown } | null | undefined];
  return Array.isArray(value?.vms) && value.vms.length > MAX_VMS;
}
