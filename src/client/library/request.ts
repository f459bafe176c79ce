/**
 * A request that was sent: its progress, and its result with one outcome a VM.
 *
 * It is sent once, however often it is asked for, and survives cuts and
 * restarts of the controller. Ending the wait never ends the request.
 *
 * @module
 */
import type { CancelledRequest, Result } from "../../schema/operation.ts";
import { sleep } from "../../sys/sleep.ts";
import type { Api } from "../api.ts";
import { follow, type Followed, type Progress } from "../follow.ts";
import { callSafely, type OnCallbackError } from "./callbacks.ts";
import { NewestQueue } from "./newest_queue.ts";

/** How a request is waited for. */
export interface RequestOptions {
  /** Ends the wait, and nothing else: what was accepted goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Called at each step. */
  readonly onProgress?: ((progress: Progress) => unknown) | undefined;
}

/** What a sent request needs of the client that sent it. */
export interface RequestLine {
  /** A connection of its own, which it disposes of. */
  readonly api: Api;
  /** Ends the wait, with the client or by who asked. */
  readonly signal: AbortSignal;
  readonly cancel: (id: string) => Promise<CancelledRequest>;
  readonly onCallbackError: OnCallbackError | undefined;
  /** Called when the wait is over. */
  readonly onEnd: () => void;
}

/** A request on its way. Iterating it gives its progress, the result last. */
export class SentRequest implements AsyncIterable<Progress> {
  readonly id: string;
  /**
   * How many VMs it is about, once it is durable: from then on it will be
   * carried out, whatever becomes of this client.
   */
  readonly accepted: Promise<number>;
  /** One outcome a VM. Rejects with what the controller refuses, not with what a VM fails at. */
  readonly result: Promise<Result>;
  readonly #line: RequestLine;
  readonly #readers = new Set<NewestQueue<Progress>>();
  readonly #passed = new Map<string, Progress>();
  #end: { readonly error: unknown } | null = null;

  /** Sends `followed`, or listens to it where it was sent before. */
  constructor(
    followed: Followed,
    line: RequestLine,
    onProgress: RequestOptions["onProgress"],
  ) {
    this.id = followed.id;
    this.#line = line;
    let resolveAccepted = (_count: number) => {};
    let rejectAccepted = (_error: unknown) => {};
    this.accepted = new Promise((resolve, reject) => {
      resolveAccepted = resolve;
      rejectAccepted = reject;
    });
    this.result = this.#run(followed, (progress) => {
      if (progress.type === "accepted") resolveAccepted(progress.count);
      if (progress.type === "result") {
        resolveAccepted(progress.result.outcomes.length);
      }
      this.#pass(progress);
      if (onProgress === undefined) return;
      callSafely(onProgress, [progress], "progress", line.onCallbackError);
    });
    // Whoever reads only one of them hears of a failure there.
    this.result.catch(rejectAccepted);
    this.accepted.catch(() => {});
  }

  /** Asks for the request to stop, those of its operations first that have not begun. */
  cancel(): Promise<CancelledRequest> {
    return this.#line.cancel(this.id);
  }

  /** Its progress from the start on; a slow reader gets of each VM the newest. */
  [Symbol.asyncIterator](): AsyncIterator<Progress, undefined> {
    const queue = new NewestQueue<Progress>(() => this.#readers.delete(queue));
    for (const [key, progress] of this.#passed) queue.put(key, progress);
    if (this.#end !== null) queue.end(this.#end.error);
    else this.#readers.add(queue);
    return queue;
  }

  async #run(
    followed: Followed,
    pass: (progress: Progress) => void,
  ): Promise<Result> {
    const { api, signal } = this.#line;
    try {
      const monotonic = () => performance.now();
      for await (
        const progress of follow(api, followed, { signal, sleep, monotonic })
      ) {
        pass(progress);
        if (progress.type !== "result") continue;
        this.#over(null);
        return progress.result;
      }
      throw new Error("The stream of a request ended without a result");
    } catch (error) {
      this.#over(error);
      throw error;
    } finally {
      api[Symbol.dispose]();
      this.#line.onEnd();
    }
  }

  #pass(progress: Progress): void {
    const key = progress.type === "progress"
      ? `progress ${progress.index}`
      : progress.type;
    this.#passed.set(key, progress);
    for (const reader of this.#readers) reader.put(key, progress);
  }

  #over(error: unknown): void {
    this.#end = { error };
    for (const reader of this.#readers) reader.end(error);
    this.#readers.clear();
  }
}
