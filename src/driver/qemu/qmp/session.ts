/**
 * A session of JSON messages: one attempt at talking to one peer.
 *
 * ```
 * idle ──open──► connecting ──greeted──► running ──close, error──► disconnecting ──► idle
 *   ▲                │
 *   └──── failed ────┘
 * ```
 *
 * A session is used once: what was learnt in it ends with it, and whoever
 * wants another makes another. The upper half (`open`, `send`, `close`) runs
 * in its caller's stack and may throw to it. The bottom half (`onMessage`,
 * `onEnd`) runs in the reader's loop and has nobody to throw to. Errors of
 * the reader and the writer are gathered; the first tells why it ended.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../../error/mod.ts";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import { connectError, stateError } from "./error.ts";
import type { SessionState } from "./session_state.ts";
import { readMessages, writeMessage } from "./message_stream.ts";

/** A message: any JSON object. */
export type Message = Readonly<Record<string, unknown>>;

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Who is told of a session's life. */
export interface SessionOptions {
  /** Told of every state that is entered, in order. */
  readonly onState?: (state: SessionState) => void;
}

/** What every protocol over JSON messages has in common. */
export abstract class Session {
  readonly #onState: (state: SessionState) => void;
  readonly #errors: unknown[] = [];
  readonly #ended = Promise.withResolvers<unknown>();
  #state: SessionState = "idle";
  #used = false;
  #connection: ByteConnection | null = null;
  #incoming: AsyncGenerator<Message, void, void> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor({ onState = () => {} }: SessionOptions = {}) {
    this.#onState = onState;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Resolves when an opened session is over, with the error that ended it, or null. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** Connects and greets; back to idle when that fails. Aborting `signal` gives up. */
  async open(
    connect: () => Promise<ByteConnection>,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#used) throw stateError("open it again", this.#state, "idle");
    this.#used = true;
    this.#enter("connecting");
    const giveUp = () => this.#connection?.close();
    try {
      signal.throwIfAborted();
      this.#connection = await connect();
      signal.addEventListener("abort", giveUp, { once: true });
      this.#incoming = readMessages(this.#connection, MAX_MESSAGE_BYTES);
      signal.throwIfAborted();
      await this.establish();
      signal.throwIfAborted();
    } catch (error) {
      this.#connection?.close();
      this.#enter("idle");
      throw connectError(signal.aborted ? signal.reason : error);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    this.#enter("running");
    void this.#read();
  }

  /** Ends the session; calls that wait for a reply fail. May be called in any state. */
  close(): void {
    if (this.#state === "running") this.#enter("disconnecting");
    this.#connection?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Queues a message. An error in writing ends the session. */
  protected send(message: Message): void {
    const connection = this.#connection;
    if (connection === null) {
      throw stateError("send a message", this.#state, "running");
    }
    this.#writing = this.#writing
      .then(() => writeMessage(connection, message))
      .catch((error) => this.#fail(error));
  }

  /** The next message, while connecting only. */
  protected async receive(): Promise<Message> {
    const next = await this.#incoming?.next();
    if (next?.value) return next.value;
    throw new UsherError(
      "unavailable",
      "Cannot read a greeting: the peer closed the connection",
    );
  }

  /** Throws `wrong_state` unless the session runs. */
  protected requireRunning(action: string): void {
    if (this.#state !== "running") {
      throw stateError(action, this.#state, "running");
    }
  }

  /** Greets the peer, by `send` and `receive`. */
  protected abstract establish(): Promise<void>;
  /** Bottom half: takes a message. What it throws ends the session. */
  protected abstract onMessage(message: Message): void;
  /** Bottom half: the session is over; `cause` tells why. Must not throw. */
  protected abstract onEnd(cause: unknown): void;

  async #read(): Promise<void> {
    try {
      for await (const message of this.#incoming!) this.onMessage(message);
    } catch (error) {
      this.#fail(error);
    }
    const asked = this.#state === "disconnecting" &&
      this.#errors.every(isClosedByUs);
    if (this.#state === "running") this.#enter("disconnecting");
    this.#connection?.close();
    await this.#writing;
    const cause = this.#errors[0];
    this.onEnd(
      cause ?? new UsherError("unavailable", "The monitor's session is over"),
    );
    this.#enter("idle");
    this.#ended.resolve(asked ? null : cause ?? null);
  }

  #fail(error: unknown): void {
    this.#errors.push(error);
    this.#connection?.close();
  }

  #enter(state: SessionState): void {
    this.#state = state;
    this.#onState(state);
  }
}

/** Whether an error is only the sound of our own `close`. */
function isClosedByUs(error: unknown): boolean {
  return !isUsherError(error);
}
