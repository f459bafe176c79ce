/**
 * One direction of a connection: bytes that take their time, in order.
 *
 * A pipe keeps what TCP keeps: nothing is lost, doubled or overtaken within
 * it, but everything may be late, held up for as long as its route is blocked,
 * or broken off in the middle of a line. Its sender waits when too much is on
 * the way.
 *
 * @module
 */
import type { Route, Way } from "./route.ts";
import type { Process } from "./virtual_clock.ts";

/** How much may be on the way before the sender waits, in bytes. */
const WINDOW = 1024 * 1024;

type Piece =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "end" }
  | { readonly type: "reset" };

/** What the owner of a pipe is told. */
export interface PipeEvents {
  /** The receiver has everything that was sent. */
  readonly onEnd: () => void;
  /** The receiver was told that the connection is gone. */
  readonly onReset: () => void;
  /** The receiver wants no more. */
  readonly onCancel: () => void;
}

/** Bytes on their way to one process. */
export class Pipe {
  /** What the receiver reads. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #route: Route;
  readonly #way: Way;
  readonly #to: Process;
  readonly #events: PipeEvents;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #queue: Piece[] = [];
  #underWay = 0;
  #room = Promise.withResolvers<void>();
  /** Nothing more goes in. */
  #sealed = false;
  /** Nothing more comes out. */
  #done = false;
  #timer: Disposable | null = null;

  constructor(route: Route, way: Way, to: Process, events: PipeEvents) {
    this.#route = route;
    this.#way = way;
    this.#to = to;
    this.#events = events;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => {
        this.#done = true;
        events.onCancel();
      },
    });
    route.join(this);
  }

  /** Sends what `source` gives, while `from` lives. Resolves when it ended by itself. */
  async send(
    source: ReadableStream<Uint8Array>,
    from: Process,
  ): Promise<boolean> {
    const reader = this.#reader = source.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#sealed || from.isDead) return false;
        if (done) {
          this.#seal({ type: "end" });
          return true;
        }
        this.#push({ type: "bytes", bytes: value });
        while (this.#underWay > WINDOW && !this.#sealed) {
          await this.#room.promise;
        }
      }
    } catch {
      this.reset();
      return false;
    }
  }

  /** The sender is gone: the receiver is told after all that was sent. */
  reset(): void {
    this.#seal({ type: "reset" });
  }

  /** The connection breaks now: of what is on the way a part arrives, and the receiver is told. */
  cut(): void {
    this.#sealed = true;
    const [first] = this.#queue;
    this.#queue = first?.type === "bytes"
      ? [{
        type: "bytes",
        bytes: first.bytes.slice(0, Math.ceil(first.bytes.length / 2)),
      }]
      : [];
    this.#queue.push({ type: "reset" });
    this.#room.resolve();
    this.#arm();
  }

  /** The receiver's own end breaks: it reads no more. */
  fail(why: string): void {
    if (this.#done) return;
    this.#finish();
    this.#controller.error(new Error(why));
  }

  /** Nothing is sent or told any more, as when a machine loses its power. */
  vanish(): void {
    this.#sealed = true;
    this.#queue = [];
    this.#room.resolve();
    this.#timer?.[Symbol.dispose]();
  }

  /** Takes no more from the sender, and tells it. */
  stopSender(): void {
    this.#sealed = true;
    this.#room.resolve();
    void this.#reader?.cancel().catch(() => {});
  }

  /** The route may be open again. */
  resume(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#arm();
  }

  #seal(last: Piece): void {
    if (this.#sealed) return;
    this.#push(last);
    this.#sealed = true;
  }

  #push(piece: Piece): void {
    if (this.#sealed || this.#done) return;
    this.#queue.push(piece);
    if (piece.type === "bytes") this.#underWay += piece.bytes.length;
    this.#arm();
  }

  /** One piece after another: what waits together is later together. */
  #arm(): void {
    if (this.#timer !== null || this.#queue.length === 0 || this.#done) return;
    if (this.#route.isBlocked(this.#way)) return;
    this.#timer = this.#to.after(
      this.#route.latency(),
      () => this.#deliver(),
    );
  }

  #deliver(): void {
    this.#timer = null;
    if (this.#done || this.#route.isBlocked(this.#way)) return;
    const pieces = this.#queue;
    this.#queue = [];
    for (const piece of pieces) this.#hand(piece);
    this.#underWay = 0;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #hand(piece: Piece): void {
    if (this.#done) return;
    switch (piece.type) {
      case "bytes":
        return this.#controller.enqueue(piece.bytes);
      case "end":
        this.#finish();
        this.#controller.close();
        return this.#events.onEnd();
      case "reset":
        this.#finish();
        this.#controller.error(new Error("Connection reset by peer"));
        return this.#events.onReset();
    }
  }

  #finish(): void {
    this.#done = true;
    this.#queue = [];
    this.#route.leave(this);
  }
}
