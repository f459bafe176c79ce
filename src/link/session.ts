/**
 * One session over a link: frames both ways, heartbeats, an end with a reason.
 *
 * Both ends use this class. It knows nothing of what frames mean: it parses,
 * drops duplicates, acknowledges, beats, notices a peer that fell silent or
 * reads too slowly, and ends. Any failure ends the session; its owner starts
 * a new one and never repairs this one.
 *
 * @module
 */
import { isUsherError, messageOf } from "../error/mod.ts";
import type { Clock } from "../sys/clock.ts";
import { LineWriter } from "./line_writer.ts";
import { decodeLines } from "./ndjson.ts";
import { type Envelope, Inbox, Outbox } from "./outbox.ts";

/** What a peer that reads too slowly may be behind, in UTF-16 units. */
const MAX_BEHIND = 16 * 1024 * 1024;

/** Behind by so much, who can wait does; see `untilRoom`. */
const ROOM = 2 * 1024 * 1024;

/** The incoming half of a session, and the limits that end it. */
export interface SessionOptions<In, Out> {
  readonly clock: Clock;
  readonly incoming: ReadableStream<Uint8Array>;
  /** Turns a line into a frame; null for a type not known here. */
  readonly parse: (value: unknown) => In | null;
  /** Makes the frame that says nothing but that we live. */
  readonly beat: () => Out;
  readonly beatMs: number;
  /** Silence after which the peer counts as gone. */
  readonly deadMs: number;
  readonly maxFrameBytes: number;
}

/** A live session. `In` and `Out` are the frames of either direction. */
export class Session<In extends Envelope, Out extends Envelope> {
  outbox: Outbox<Out>;
  inbox: Inbox;
  readonly #options: SessionOptions<In, Out>;
  readonly #end = new AbortController();
  readonly #writer = new LineWriter({
    onGone: () => this.close("the peer closed the link"),
  });
  #lastHeard: number;
  #timer: Disposable | null = null;
  #deadMs: number;

  constructor(options: SessionOptions<In, Out>) {
    this.#options = options;
    this.#lastHeard = options.clock.monotonic();
    this.#deadMs = options.deadMs;
    this.outbox = new Outbox<Out>();
    this.inbox = new Inbox();
  }

  /** What the transport sends to the peer. */
  get outgoing(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#writer.stream;
  }

  /** Aborts when the session ended; the reason is a text. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** For how long the peer has said nothing, in ms. */
  get silentMs(): number {
    return this.#options.clock.monotonic() - this.#lastHeard;
  }

  /** Goes on with the reliable frames of an earlier session, or with fresh boxes. */
  adopt(outbox: Outbox<Out>, inbox: Inbox): void {
    this.outbox = outbox;
    this.inbox = inbox;
  }

  /** Sends a frame that may be lost. */
  send(frame: Out): void {
    if (this.#end.signal.aborted) return;
    this.#writer.write({ ...frame, ack: this.inbox.seen });
    if (this.#writer.behind > MAX_BEHIND) {
      this.close("the peer reads too slowly");
    }
  }

  /**
   * Whether the peer is far behind. Who has many frames to send looks before
   * each and waits with `untilRoom`, so that a peer that reads at its pace is
   * never cut off for it.
   */
  get isFarBehind(): boolean {
    return this.#writer.behind > ROOM && !this.#end.signal.aborted;
  }

  /** Resolves once the peer is not far behind, or the session has ended; rejects when `signal` aborts. */
  async untilRoom(signal: AbortSignal): Promise<void> {
    if (!this.isFarBehind) return;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const stop = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await Promise.race([this.#writer.untilBehind(ROOM), aborted.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Sends a frame that is replayed until the peer has seen it. */
  sendReliable(frame: Out): void {
    this.send(this.outbox.add(frame));
  }

  /** Sends again what the peer has not seen, after a resume. */
  replay(): void {
    for (const frame of this.outbox.unacknowledged()) this.send(frame);
  }

  /** Ends the session. Frames sent before are still delivered. */
  close(reason: string): void {
    if (this.#end.signal.aborted) return;
    this.#timer?.[Symbol.dispose]();
    this.#end.abort(reason);
    this.#writer.end();
  }

  /** Beats, and ends the session when the peer falls silent. */
  startHeartbeat(
    beatMs = this.#options.beatMs,
    deadMs = this.#options.deadMs,
  ): void {
    if (this.#end.signal.aborted) return;
    this.#deadMs = deadMs;
    this.#lastHeard = this.#options.clock.monotonic();
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.after(beatMs, () => this.#beat(beatMs));
  }

  #beat(beatMs: number): void {
    if (this.#endWhenSilent()) return;
    this.send(this.#options.beat());
    if (this.#end.signal.aborted) return;
    this.#timer = this.#options.clock.after(beatMs, () => this.#beat(beatMs));
  }

  /** Whether the peer was silent for too long; then the session is over. */
  #endWhenSilent(): boolean {
    if (this.silentMs <= this.#deadMs) return false;
    this.close(`nothing was heard for ${this.#deadMs} ms`);
    return true;
  }

  /**
   * The peer's frames, each once. Ends when the peer ends its stream or the
   * session is closed. Throws `invalid_input` for what is no frame, with the
   * session still open, so that its owner can say why before closing it.
   */
  async *frames(): AsyncGenerator<In, void, void> {
    try {
      for await (const value of this.#lines()) {
        // A process that stood still finds here what was said to it before it
        // was given up: whoever said it has gone on without it.
        if (this.#endWhenSilent()) return;
        this.#lastHeard = this.#options.clock.monotonic();
        const frame = this.#options.parse(value);
        // One of a type not known here has its number all the same.
        const { seq, ack } = frame ?? envelopeOf(value);
        if (ack !== undefined) this.outbox.acknowledge(ack);
        if (this.inbox.accept(seq) && frame !== null) yield frame;
      }
      this.close("the peer ended the link");
    } catch (error) {
      const isBroken = isUsherError(error, "invalid_input");
      if (isBroken && !this.#end.signal.aborted) throw error;
      this.close(messageOf(error));
    }
  }

  async *#lines(): AsyncGenerator<unknown, void, void> {
    const { incoming, maxFrameBytes } = this.#options;
    const reader = incoming.getReader();
    const stop = () => void reader.cancel().catch(() => {});
    this.#end.signal.addEventListener("abort", stop, { once: true });
    if (this.#end.signal.aborted) stop();
    try {
      yield* decodeLines(chunks(reader), maxFrameBytes);
    } finally {
      stop();
    }
  }
}

async function* chunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function envelopeOf(value: unknown): Envelope {
  const { seq, ack } = value as Partial<Record<keyof Envelope, unknown>>;
  return {
    ...(Number.isSafeInteger(seq) ? { seq: seq as number } : {}),
    ...(Number.isSafeInteger(ack) ? { ack: ack as number } : {}),
  };
}
