/**
 * The serial line of a VM: bytes both ways.
 *
 * What the guest prints waits for its reader up to a bound, and then the line
 * is closed and says so: a reader that is too slow is told, never starved of
 * memory or silently given holes.
 *
 * @module
 */
import type { Problem } from "../../schema/problem.ts";
import type { Api } from "../api.ts";
import { failure, failureFrom } from "../failure.ts";

/** What may wait for the reader, in bytes. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
/** How long a line may take to open, unless its caller says otherwise. */
const OPEN_MS = 60_000;

/** Longer no timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** What the controller says beside the bytes. */
interface ControlMessage {
  readonly type: string;
  readonly for?: string;
  readonly reason?: string;
  readonly problem?: Problem;
}

/** How a console is opened. */
export interface ConsoleOptions {
  /** Bytes of what was printed before to begin with; 64 KiB by default. */
  readonly historyBytes?: number | undefined;
  /** How long it may take to open; a minute by default. */
  readonly timeoutMs?: number | undefined;
  /** Told what is waited for while it opens, such as "node n1 to open it". */
  readonly onWaiting?: ((what: string) => void) | undefined;
  /** Closes the line, or gives up opening it. */
  readonly signal?: AbortSignal | undefined;
}

/** An open line to a guest. Iterating it gives what the guest prints, and throws when it broke. */
export class GuestConsole implements AsyncIterable<Uint8Array>, Disposable {
  /** What the guest prints, to the last byte that came; `closed` says why it ends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the guest reads. */
  readonly writable: WritableStream<Uint8Array | string>;
  /** Why the line ended, in words; rejects when it broke. */
  readonly closed: Promise<string>;
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;
  readonly #name: string;
  readonly #onWaiting: (what: string) => void;
  /** What its opening waits for. */
  #waitsFor = "the controller to answer";
  #source: ReadableStreamDefaultController<Uint8Array> | undefined;
  #end: (reason: string) => void = () => {};
  #break: (error: unknown) => void = () => {};
  #over = false;

  private constructor(
    socket: WebSocket,
    name: string,
    onWaiting: (what: string) => void = () => {},
  ) {
    this.#socket = socket;
    this.#name = name;
    this.#onWaiting = onWaiting;
    socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#break = reject;
    });
    this.closed.catch(() => {});
    this.readable = new ReadableStream<Uint8Array>({
      start: (source) => void (this.#source = source),
      cancel: () => this.close(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_BEHIND_BYTES }));
    this.writable = new WritableStream({
      write: (data) => this.#write(data),
      close: () => this.close(),
      abort: () => this.close(),
    });
    this.#opened = new Promise((resolve, reject) => {
      this.closed.then(() => reject(this.#lost()), reject);
      socket.addEventListener("message", ({ data }) => {
        this.#receive(data, resolve);
      });
    });
    // `error` comes before `close`, which tells the same.
    socket.addEventListener("error", () => void this.#fail(this.#lost()));
    socket.addEventListener("close", () => void this.#fail(this.#lost()));
  }

  /** Opens the console of `name`; resolves once the guest's end stands. */
  static async open(
    api: Api,
    name: string,
    {
      historyBytes = 64 * 1024,
      timeoutMs = OPEN_MS,
      onWaiting,
      signal,
    }: ConsoleOptions = {},
  ): Promise<GuestConsole> {
    signal?.throwIfAborted();
    const input = {
      params: { name },
      query: { history: String(historyBytes) },
    };
    const socket = api.socket("console", input);
    const line = new GuestConsole(socket, name, onWaiting);
    const stop = () => line.#finish(() => line.#break(signal?.reason));
    signal?.addEventListener("abort", stop, { once: true });
    const late = () => void line.#fail(line.#late(timeoutMs));
    const timer = setTimeout(late, Math.min(timeoutMs, LONGEST_MS));
    line.closed.catch(() => {}).finally(() =>
      signal?.removeEventListener("abort", stop)
    );
    try {
      await line.#opened;
      return line;
    } catch (error) {
      signal?.throwIfAborted();
      // A refused WebSocket does not say why; the same question without one does.
      if (line.#refused) {
        await api.call("console", {
          params: { name },
          ...(signal === undefined ? {} : { signal }),
        });
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether the line has ended; nothing can be sent then. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Sends `data` to the guest. */
  async write(data: Uint8Array | string): Promise<void> {
    await this.#write(data);
  }

  /** Closes the line; the guest does not notice. */
  close(): void {
    this.#finish(() => this.#end("closed by this client"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const reader = this.readable.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        yield value;
      }
    } finally {
      reader.releaseLock();
    }
    await this.closed;
  }

  /** The controller would not have a WebSocket, rather than losing one. */
  get #refused(): boolean {
    return this.#socket.readyState !== this.#socket.OPEN && !this.#wasOpen;
  }

  #wasOpen = false;

  async #write(data: Uint8Array | string): Promise<void> {
    if (this.#over) throw await this.#lost();
    const bytes = typeof data === "string"
      ? new TextEncoder().encode(data)
      : data;
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  #receive(data: unknown, opened: () => void): void {
    this.#wasOpen = true;
    if (this.#over) return;
    if (typeof data === "string") return this.#control(data, opened);
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0) return;
    this.#source?.enqueue(new Uint8Array(data));
    if ((this.#source?.desiredSize ?? 0) < 0) void this.#fail(this.#slow());
  }

  #control(text: string, opened: () => void): void {
    const message: ControlMessage = JSON.parse(text);
    if (message.type === "waiting" && message.for !== undefined) {
      this.#waitsFor = message.for;
      this.#onWaiting(message.for);
    }
    if (message.type === "opened") opened();
    if (message.type === "problem" && message.problem !== undefined) {
      void this.#fail(failureFrom(message.problem));
    }
    if (message.type === "closed") {
      this.#finish(() => this.#end(message.reason ?? "the console ended"));
    }
  }

  async #fail(error: Promise<Error>): Promise<void> {
    const reason = await error;
    this.#finish(() => this.#break(reason));
  }

  #finish(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    tell();
    try {
      // What has come is read still.
      this.#source?.close();
    } catch {
      // Its reader has left.
    }
    this.#socket.close(1000);
  }

  #lost(): Promise<Error> {
    return failure("interrupted", `Lost the console of "${this.#name}"`, {
      subject: this.#name,
      hint: "open it again; the VM goes on",
    });
  }

  #late(ms: number): Promise<Error> {
    return failure(
      "timed_out",
      `Cannot open the console of "${this.#name}" within ${
        ms / 1000
      } s: it waits for ${this.#waitsFor}`,
      { subject: this.#name, hint: "try again, and wait longer" },
    );
  }

  #slow(): Promise<Error> {
    return failure(
      "unavailable",
      `The console of "${this.#name}" was closed: its reader is too slow`,
      {
        subject: this.#name,
        hint: "read it all the time, and open it again with historyBytes",
      },
    );
  }
}
